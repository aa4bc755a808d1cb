"""Sends a test message step by step and keeps what the other side answered (rule N1)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from exports.models import Channel, ChannelSecretError, Message
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError, SendingStoppedError
from exports.notifications.kind import Target
from exports.notifications.registry import kind_of
from exports.notifications.rendering import render_test

PASSED, FAILED, RUNNING = "passed", "failed", "running"
# The test runs inside a web request.
SECONDS_IN_ALL: Final = 25.0


@dataclass(frozen=True)
class Step:
    name: str
    outcome: str
    sentence: str
    code: str = ""


def test_channel(channel: Channel) -> list[Step]:
    """Send a test message now and store the steps on the channel."""
    *_earlier, steps = follow_test(channel)
    return steps


def follow_test(channel: Channel) -> Iterator[list[Step]]:
    """The same, step by step; the last list is the result, and is stored."""
    steps: list[Step] = []
    for step in _steps(channel):
        if step.outcome == RUNNING:
            yield [*steps, step]
        else:
            steps.append(step)
    _store(channel, steps)
    yield steps


def _steps(channel: Channel) -> Iterator[Step]:
    deadline = time.monotonic() + SECONDS_IN_ALL
    name = _("Settings complete")
    try:
        kind = kind_of(channel.kind)
        target = Target.of(channel, lambda: time.monotonic() > deadline)
        if reason := kind.unavailable_reason():
            raise ChannelError(ChannelErrorCode.NOT_SET_UP, reason)
        yield Step(name, PASSED, kind.where(channel.settings))
        for step in kind.follow(target, render_test(channel)):
            name = step.name
            yield Step(name, PASSED if step.is_over else RUNNING, step.sentence)
    except ChannelSecretError as error:
        yield Step(name, FAILED, str(error), ChannelErrorCode.SECRET_UNREADABLE)
    except SendingStoppedError:
        sentence = _("There was no answer within %(seconds)s seconds, so the test stopped here.")
        params = {"seconds": f"{SECONDS_IN_ALL:.0f}"}
        yield Step(name, FAILED, sentence % params, ChannelErrorCode.NO_ANSWER)
    except ChannelError as error:
        yield Step(name, FAILED, str(error), error.code)


@transaction.atomic
def _store(channel: Channel, steps: list[Step]) -> None:
    channel.record_test([vars(step) for step in steps])
    failed = next((step for step in steps if step.outcome == FAILED), None)
    if failed is None:
        channel.record_sent()
        Message.objects.hasten(channel)
    else:
        channel.record_failure(failed.code, failed.sentence)
