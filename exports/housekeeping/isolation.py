"""Isolates repeated steps: an error does not stop other steps and is logged once an hour."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from exports.connectwise.language import gettext as _

logger = logging.getLogger(__name__)

_REPORT_AGAIN_AFTER = 3600.0
_MAX_SUBJECTS = 1_000
# The last error reported for each subject, and when.
_reported: dict[str, tuple[str, float]] = {}
# How many errors this thread has caught.
_own = threading.local()


@contextmanager
def isolated(subject: str) -> Iterator[None]:
    """Log any exception of the block and go on; `subject` names the step in the log."""
    caught = _caught_count()
    try:
        yield
    except Exception as error:
        _own.caught_count = _caught_count() + 1
        if _is_news(subject, f"{type(error).__name__} {error}"):
            _report(subject, error)
    else:
        # A step within may have failed, and have the same subject.
        if _caught_count() == caught:
            _reported.pop(subject, None)


def _caught_count() -> int:
    return getattr(_own, "caught_count", 0)


def _is_news(subject: str, reason: str) -> bool:
    before, reported_at = _reported.get(subject, ("", 0.0))
    if reason == before and time.monotonic() - reported_at < _REPORT_AGAIN_AFTER:
        return False
    if len(_reported) >= _MAX_SUBJECTS:
        _reported.clear()
    _reported[subject] = (reason, time.monotonic())
    return True


def _report(subject: str, error: Exception) -> None:
    message = _("Put off and tried again: %(subject)s (%(reason)s)")
    params = {"subject": subject, "reason": error}
    if isinstance(error, OSError | DatabaseError):
        logger.warning("%s", message % params)
    else:
        # A bug in this program: log the traceback for its developers.
        logger.error("%s", message % params, exc_info=error)
