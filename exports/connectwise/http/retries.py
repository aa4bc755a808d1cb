"""When to ask again, and how long to wait before (H2)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import tenacity

from exports.connectwise.http.errors import (
    ConnectWiseError,
    ThrottledError,
    UnreachableError,
    WrongShapeError,
)

RETRIED_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
# A clock outside of these is broken, and would break what is reckoned with it.
_CREDIBLE_YEARS: Final = range(2000, 2100)


@dataclass(frozen=True)
class Wait:
    """A pause that is about to begin: `attempt` is the number of the one that failed, from 1."""

    seconds: float
    attempt: int
    reason: str
    is_throttled: bool = False
    code: str = ""


@dataclass(frozen=True)
class RetryPolicy:
    """All times in seconds.

    `throttled_wait` is for a 429 that names no usable time of its own, doubled at each further
    attempt, and up to a tenth longer; one that asks for more than `max_retry_after` is given up.
    `scale` stretches or shrinks what is really slept, `jitter` is where the chance comes from: both
    are for tests.
    """

    tries: int = 5
    min_wait: float = 1.0
    max_wait: float = 60.0
    throttled_wait: float = 30.0
    max_retry_after: float = 300.0
    scale: float = 1.0
    jitter: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def may_pass(self, error: BaseException) -> bool:
        """Whether asking once more can help; hardly ever for a 4xx."""
        if getattr(error, "is_lasting", False):
            return False
        if isinstance(error, ThrottledError):
            return (error.retry_after or 0) <= self.max_retry_after
        if isinstance(error, UnreachableError | WrongShapeError):
            return True
        return isinstance(error, ConnectWiseError) and error.status in RETRIED_STATUSES

    def wait_after(self, attempt: int, error: BaseException | None) -> float:
        """Seconds to wait after the attempt with this number (from 1) failed."""
        # Threefold, so that five tries together outlast a server that is being restarted.
        window = min(self.max_wait, self.min_wait * 3**attempt)
        spread = self.jitter.uniform(min(self.min_wait, window), window)
        if not isinstance(error, ThrottledError):
            return spread
        # Several requests are often throttled together and should not come back together.
        if error.retry_after is None:
            asked = min(self.throttled_wait * 2 ** (attempt - 1), self.max_retry_after)
            return float(asked * self.jitter.uniform(1, 1.1))
        return max(spread, error.retry_after + self.jitter.uniform(0, self.min_wait))

    def retrying(
        self, pause: Callable[[float], None], announce: Callable[[Wait], None]
    ) -> tenacity.Retrying:
        """Calls a function until it succeeds; `pause` sleeps and may raise to end it all."""

        def wait(state: tenacity.RetryCallState) -> float:
            return self.wait_after(state.attempt_number, _failure(state))

        def before_sleep(state: tenacity.RetryCallState) -> None:
            error = _failure(state)
            reason = error.problem if isinstance(error, ConnectWiseError) else str(error)
            throttled = isinstance(error, ThrottledError)
            code = getattr(error, "code", "")
            announce(Wait(state.upcoming_sleep, state.attempt_number, reason, throttled, code))

        def count_attempts(state: tenacity.RetryCallState) -> None:
            if isinstance(error := _failure(state), ConnectWiseError):
                error.attempt_count = state.attempt_number

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.tries),
            retry=tenacity.retry_if_exception(self.may_pass),
            wait=wait,
            sleep=lambda seconds: pause(seconds * self.scale),
            before_sleep=before_sleep,
            after=count_attempts,
            reraise=True,
        )


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """The wish in a `Retry-After`: seconds or a date; None when absent or nonsense.

    `now` is the other side's time, as its date is by its own clock. A date gone by is 0.
    """
    text = (header or "").strip()
    # Nine digits are 31 years: what is longer was not meant.
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def parse_http_date(header: str | None) -> datetime | None:
    """The moment in a `Date` header, in UTC; None when absent, nonsense or not of our times."""
    try:
        if re.search(r"(?<![+-])\b0\d{3}\b", header or ""):
            return None  # the library reads the year 0001 as 2001
        moment = parsedate_to_datetime(header or "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        in_utc = aware.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return in_utc if in_utc.year in _CREDIBLE_YEARS else None


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
