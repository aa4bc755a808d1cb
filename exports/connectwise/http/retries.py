"""When to retry a request, and how long to wait before (H2)."""

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
# A clock outside these years is wrong and must not be used in calculations.
_CREDIBLE_YEARS: Final = range(2000, 2100)


@dataclass(frozen=True)
class Wait:
    """A pause before a retry; `attempt` is the number of the failed attempt, from 1."""

    seconds: float
    attempt: int
    reason: str
    is_throttled: bool = False
    code: str = ""


@dataclass(frozen=True)
class RetryPolicy:
    """All times in seconds.

    `throttled_wait` applies to a 429 without a usable Retry-After; it doubles with each further
    attempt and gets up to a tenth longer at random. A 429 that asks for more than `max_retry_after`
    is not retried. For tests, `scale` multiplies the time slept and `jitter` is the random source.
    """

    tries: int = 5
    min_wait: float = 1.0
    max_wait: float = 60.0
    throttled_wait: float = 30.0
    max_retry_after: float = 300.0
    scale: float = 1.0
    jitter: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def may_pass(self, error: BaseException) -> bool:
        """Whether a retry can help; for a 4xx hardly ever."""
        if getattr(error, "is_lasting", False):
            return False
        if isinstance(error, ThrottledError):
            return (error.retry_after or 0) <= self.max_retry_after
        if isinstance(error, UnreachableError | WrongShapeError):
            return True
        return isinstance(error, ConnectWiseError) and error.status in RETRIED_STATUSES

    def wait_after(self, attempt: int, error: BaseException | None) -> float:
        """Seconds to wait after the attempt with this number (from 1) failed."""
        # Tripled each time, so that five tries last longer than a server's restart.
        window = min(self.max_wait, self.min_wait * 3**attempt)
        spread = self.jitter.uniform(min(self.min_wait, window), window)
        if not isinstance(error, ThrottledError):
            return spread
        # Requests throttled together must not be retried at the same moment.
        if error.retry_after is None:
            asked = min(self.throttled_wait * 2 ** (attempt - 1), self.max_retry_after)
            return float(asked * self.jitter.uniform(1, 1.1))
        return max(spread, error.retry_after + self.jitter.uniform(0, self.min_wait))

    def retrying(
        self, pause: Callable[[float], None], announce: Callable[[Wait], None]
    ) -> tenacity.Retrying:
        """A function that calls another until it succeeds; `pause` sleeps and may raise to stop."""

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
    """The seconds of a `Retry-After`, which is a number or a date; None when missing or invalid.

    `now` is the server's time, as the date is by its clock. A past date gives 0.
    """
    text = (header or "").strip()
    # Nine digits are 31 years; a longer number is not meant as seconds.
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def parse_http_date(header: str | None) -> datetime | None:
    """The time of a `Date` header in UTC; None when missing, invalid or not of this century."""
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
