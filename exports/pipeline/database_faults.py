"""Database errors in the middle of a run, and retrying the writes that record its end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.models.codes import ErrorCode
from exports.pipeline.lease import shutdown

_T = TypeVar("_T")

# How long recording the end of a run is retried, in seconds.
_RECORD_WITHIN = 120.0

_LOCKED = gettext_noop(
    "Another program kept the database locked. Nothing was exported and no date moved; run the "
    "task again."
)
_FULL = gettext_noop(
    "The disk of the database is full. Nothing was exported and no date moved. Make room, then "
    "run the task again."
)
_UNAVAILABLE = gettext_noop(
    "The database refused: %(reason)s. Nothing was exported and no date moved; see to the "
    "database, then run the task again."
)


@dataclass(frozen=True)
class DatabaseFault:
    """A fault of the database, not of this program; `may_pass` when trying again may help."""

    code: ErrorCode
    message: str
    may_pass: bool


def fault_of(error: DatabaseError | InterfaceError) -> DatabaseFault | None:
    """The fault behind a database error; None when only a bug of this program can cause it."""
    reason = str(error).strip()
    if "locked" in reason or "deadlock" in reason:
        return DatabaseFault(ErrorCode.DATABASE_LOCKED, _(_LOCKED), may_pass=True)
    if "full" in reason or "No space left" in reason:
        return DatabaseFault(ErrorCode.DATABASE_FULL, _(_FULL), may_pass=False)
    if isinstance(error, OperationalError | InterfaceError):
        message = _(_UNAVAILABLE) % {"reason": reason.partition("\n")[0][:200].rstrip(".")}
        return DatabaseFault(ErrorCode.DATABASE_UNAVAILABLE, message, may_pass=True)
    return None


def record(do: Callable[[], _T]) -> _T:
    """Call `do`, which writes all or nothing, until the database accepts it.

    Raises what `do` raises, and the database's error after two minutes or when the worker ends.
    """
    deadline = time.monotonic() + _RECORD_WITHIN
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline or shutdown.wait(1.0):
                raise
            connection.close_if_unusable_or_obsolete()
