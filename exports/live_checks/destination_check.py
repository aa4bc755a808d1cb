"""Tests step by step whether files can be delivered to a destination (rule D1)."""

import logging
import time
from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from exports.connectwise.http.redaction import Redactor
from exports.delivery.errors import DeliveryError, DeliveryStoppedError
from exports.delivery.kind import Session, Target, TestStep
from exports.delivery.registry import kind_of
from exports.live_checks.connection_steps import FAILED, PASSED, RUNNING, WAITING, Step, skipped
from exports.models import Destination, DestinationSecretsError

logger = logging.getLogger(__name__)

# The test runs inside a web request, so its total time is limited, not only each wait.
SECONDS_IN_ALL = 45.0


def test_destination(destination: Destination) -> list[Step]:
    """Connect, log in, write a test file, read its size back and remove it; stores the steps."""
    *_earlier, steps = follow_destination_test(destination)
    return steps


def follow_destination_test(destination: Destination) -> Iterator[list[Step]]:
    """The same test, step by step: yields all steps before each one; the last list is stored."""
    deadline = time.monotonic() + SECONDS_IN_ALL
    done: list[Step] = []
    names: list[str] = [_("Settings")]
    try:
        target = Target.of(destination, may_pin=True)
        kind = kind_of(destination.kind)
        with kind.open(
            target, _checkpoint(deadline), lambda: time.monotonic() > deadline
        ) as session:
            steps = session.steps()
            names = [str(step.name) for step in steps]
            for step in steps:
                ahead = names[len(done) + 1 :]
                running = Step(str(step.name), RUNNING, "")
                yield [*done, running, *(Step(name, WAITING, "") for name in ahead)]
                done.append(_take(step, session, destination, target))
                if done[-1].outcome == FAILED:
                    break
    except (DeliveryError, DestinationSecretsError) as error:
        done = [Step(names[0], FAILED, str(error), str(error.code))]
    done += [skipped(name) for name in names[len(done) :]]
    destination.record_test([vars(step) for step in done])
    if all(step.outcome == PASSED for step in done):
        # What waits for it need not wait any longer.
        destination.wake()
    yield done


def _take(step: TestStep, session: Session, destination: Destination, target: Target) -> Step:
    name = str(step.name)
    try:
        sentence = step.run()
    except DeliveryStoppedError:
        message = _("It did not end within %(seconds)s seconds, so the test stopped here.")
        return Step(name, FAILED, message % {"seconds": f"{SECONDS_IN_ALL:.0f}"})
    except DeliveryError as error:
        return Step(name, FAILED, str(error.without(_secrets(target))), error.code)
    except OSError as error:
        found = DeliveryError.of(error)
        return Step(name, FAILED, str(found), found.code)
    if session.host_key and not destination.host_key and step.is_preparation:
        destination.pin_host_key(session.host_key)
    return Step(name, PASSED, str(sentence))


def _secrets(target: Target) -> Redactor:
    return Redactor(*target.secrets.values())


def _checkpoint(deadline: float) -> Callable[[], None]:
    def checkpoint() -> None:
        if time.monotonic() > deadline:
            raise DeliveryStoppedError

    return checkpoint
