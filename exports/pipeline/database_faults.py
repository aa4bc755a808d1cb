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

# SQLSTATEs of PostgreSQL: its end, its crash, its start, a session that it ended because it stood
# still (within a transaction, or at all), and the class of connections.
_SHUTDOWNS = ("57P01", "57P02", "57P03", "25P03", "57P05")
_CONNECTION = "08"

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
    if any(words in reason for words in ("locked", "deadlock", "lock timeout")):
        return DatabaseFault(ErrorCode.DATABASE_LOCKED, _(_LOCKED), may_pass=True)
    if "full" in reason or "No space left" in reason:
        return DatabaseFault(ErrorCode.DATABASE_FULL, _(_FULL), may_pass=False)
    if _is_refusal(error):
        message = _(_UNAVAILABLE) % {"reason": first_line(error)}
        return DatabaseFault(ErrorCode.DATABASE_UNAVAILABLE, message, may_pass=True)
    return None


def is_out_of_reach(error: DatabaseError | InterfaceError) -> bool:
    """Whether the database did not answer or refused for now; not for a table that is missing."""
    return _is_refusal(error) and "no such" not in str(error)


def _is_refusal(error: DatabaseError | InterfaceError) -> bool:
    return isinstance(error, OperationalError | InterfaceError) or is_connection_lost(error)


def first_line(error: Exception) -> str:
    """What the database says; further lines are hints for its operators."""
    return str(error).strip().partition("\n")[0][:200].rstrip(".")


def is_connection_lost(error: DatabaseError | InterfaceError) -> bool:
    """Whether the server was restarted or cut off, or nobody listens there; never with SQLite."""
    if connection.vendor == "sqlite":
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return state in _SHUTDOWNS or state.startswith(_CONNECTION)
    # Without a state nobody but our own side spoke. A broken connection refuses with any error,
    # e.g. that it cannot begin a transaction.
    is_broken = connection.connection is not None and connection.connection.closed
    return isinstance(error, OperationalError | InterfaceError) or is_broken


def record(do: Callable[[], _T]) -> _T:
    """Call `do`, which writes all or nothing, until the database accepts it.

    Raises what `do` raises, and the database's error after two minutes or when the worker ends.
    """
    deadline = time.monotonic() + _RECORD_WITHIN
    while True:
        try:
            return do()
        except (DatabaseError, InterfaceError) as error:
            is_over = connection.in_atomic_block or time.monotonic() > deadline
            if not _is_refusal(error) or is_over or shutdown.wait(1.0):
                raise
            connection.close_if_unusable_or_obsolete()
