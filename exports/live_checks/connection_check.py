"""Tests step by step whether runs can use a connection (rule C4)."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from exports.connectwise.http.client import ConnectWiseClient, Credentials
from exports.connectwise.http.retries import RetryPolicy
from exports.connectwise.http.sites import Site, SiteError
from exports.connectwise.http.transport import Limits
from exports.live_checks.connection_steps import (
    ADDRESS,
    COMPANY,
    CREDENTIALS,
    FAILED,
    NAMES,
    PASSED,
    RUNNING,
    SKIPPED,
    WAITING,
    WARNING,
    ConnectionSteps,
    Step,
    skipped,
)
from exports.models import Connection, SecretUnreadableError
from exports.pipeline.clients import make_client

if TYPE_CHECKING:
    pass

__all__ = [
    "FAILED",
    "PASSED",
    "RUNNING",
    "WARNING",
    "Step",
    "follow_test",
    "test_connection",
    "worst_outcome",
]

# The test runs inside a web request, so its total time is limited, not only each request.
SECONDS_IN_ALL = 18.0
LIMITS = Limits(connect=5, read=6, total=8, max_body_bytes=1_000_000)


def test_connection(connection: Connection, *, now: datetime | None = None) -> list[Step]:  # noqa: PT028
    """Ask ConnectWise everything a run will ask, and store the steps on the connection.

    `now` is this machine's clock, read when the response arrives unless given. Errors of
    ConnectWise or the network and a lost encryption key do not raise: each becomes a step.
    """
    *_earlier, steps = follow_test(connection, now=now)
    return steps


def follow_test(connection: Connection, *, now: datetime | None = None) -> Iterator[list[Step]]:
    """The same test, step by step: yields all steps before each request.

    The last list is the result, and is stored.
    """
    steps: list[Step] = []
    for step in _asked(connection, now):
        if step.outcome == RUNNING:
            ahead = NAMES[len(steps) + 1 :]
            yield [*steps, step, *(Step(str(name), WAITING, "") for name in ahead)]
        else:
            steps.append(step)
    steps += [skipped(name) for name in NAMES[len(steps) :]]
    connection.record_test([vars(step) for step in steps])
    yield steps


def worst_outcome(steps: list[Step]) -> str:
    """The worst of them: failed, then warning, then passed."""
    outcomes = {step.outcome for step in steps}
    return next((outcome for outcome in (FAILED, WARNING) if outcome in outcomes), PASSED)


def _asked(connection: Connection, now: datetime | None) -> Iterator[Step]:
    """Each step when it begins and when it ends, up to and including the first failed one."""
    deadline = time.monotonic() + SECONDS_IN_ALL
    try:
        site, credentials = connection.parsed_site(), connection.credentials()
    except SiteError as error:
        yield Step(str(ADDRESS), FAILED, str(error))
    except SecretUnreadableError as error:
        not_tried = _("Not tried, because the private key cannot be read.")
        yield Step(str(ADDRESS), SKIPPED, not_tried)
        yield skipped(COMPANY)
        yield Step(str(CREDENTIALS), FAILED, str(error))
    else:
        with _client(site, credentials, deadline) as client:
            yield from ConnectionSteps(
                client, connection.company, seconds=SECONDS_IN_ALL, now=now
            ).steps()


def _client(site: Site, credentials: Credentials, deadline: float) -> ConnectWiseClient:
    return make_client(
        site,
        credentials,
        stop=lambda: time.monotonic() > deadline,
        limits=LIMITS,
        retry=RetryPolicy(tries=1),
    )
