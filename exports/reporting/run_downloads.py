"""Who has downloaded what of a run, as its page tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from exports.models import AuditAction, AuditEntry, Run
from exports.reporting.audit_words import who_of

_WHAT: Final = {
    AuditAction.FILE_DOWNLOADED.value: gettext_lazy("the file"),
    AuditAction.PROOF_DOWNLOADED.value: gettext_lazy("the proof"),
    AuditAction.LOG_DOWNLOADED.value: gettext_lazy("the log"),
}
MOST_SHOWN: Final = 10


@dataclass(frozen=True)
class Download:
    who: str
    what: "str | Promise"
    at: datetime


def downloads_of(run: Run) -> list[Download]:
    """The last ones, newest first."""
    entries = AuditEntry.objects.about(run).filter(action__in=_WHAT).newest_first()
    return [
        Download(who_of(entry), _WHAT[entry.action], entry.recorded_at)
        for entry in entries[:MOST_SHOWN]
    ]
