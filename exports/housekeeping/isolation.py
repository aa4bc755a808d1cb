"""What cannot be put right keeps nothing else from it, and is told once, not every ten seconds."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from exports.connectwise.language import gettext as _

logger = logging.getLogger(__name__)

_TELL_AGAIN_AFTER = 3600.0
_MOST_SUBJECTS = 1_000
# What was told of each subject, and when.
_told: dict[str, tuple[str, float]] = {}


@contextmanager
def isolated(subject: str) -> Iterator[None]:
    """Go on after whatever happens in the block; `subject` names what it is about."""
    try:
        yield
    except Exception as error:
        if _is_news(subject, f"{type(error).__name__} {error}"):
            _tell(subject, error)
    else:
        _told.pop(subject, None)


def _is_news(subject: str, said: str) -> bool:
    before, told_at = _told.get(subject, ("", 0.0))
    if said == before and time.monotonic() - told_at < _TELL_AGAIN_AFTER:
        return False
    if len(_told) >= _MOST_SUBJECTS:
        _told.clear()
    _told[subject] = (said, time.monotonic())
    return True


def _tell(subject: str, error: Exception) -> None:
    message = _("Put off and tried again: %(subject)s (%(reason)s)")
    params = {"subject": subject, "reason": error}
    if isinstance(error, OSError | DatabaseError):
        logger.warning("%s", message % params)
    else:
        # A mistake of this program: its maker needs the trace.
        logger.error("%s", message % params, exc_info=error)
