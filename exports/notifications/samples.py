"""Invented events, to show how each message reads before it is needed."""

import hashlib
from datetime import timedelta
from typing import Final

from exports import clock
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.models import Event, Run
from exports.models.codes import EventCode
from exports.notifications.kind import Letter
from exports.notifications.rendering import in_language, render_event

_REASONS: Final = {
    EventCode.FAILED: gettext_noop("ConnectWise did not answer in time."),
    EventCode.SUSPICIOUS: gettext_noop("ConnectWise shows 12 batches, 340 fewer than before."),
    EventCode.MISSED: gettext_noop("It was due at 06:30 and nothing ran."),
    EventCode.DELIVERY_FAILED: gettext_noop("sftp.example.com refused the password."),
    EventCode.WORKFLOW_FAILED: gettext_noop("Step 2, Nightly batches, failed."),
    EventCode.DISK_NEARLY_FULL: gettext_noop("4 % (2.1 GB) are free."),
}
_ABOUT_CONNECTION: Final = {
    EventCode.KEY_REFUSED,
    EventCode.KEY_ACCEPTED,
    EventCode.CERTIFICATE_EXPIRING,
    EventCode.CERTIFICATE_RENEWED,
}
_ABOUT_NOTHING: Final = {EventCode.NO_WORKER_ALIVE, EventCode.WORKER_BACK}
_RECOVERED_FROM: Final = {EventCode.RECOVERED: "failed", EventCode.WORKFLOW_RECOVERED: "failed"}
SHOWN: Final = tuple(EventCode)


def sample_letter(code: EventCode, language: str) -> Letter:
    """How such an event is told in this language."""
    with in_language(language):
        reason = _(_REASONS[code]) if code in _REASONS else ""
    return render_event(_event(code, reason), language)


def _event(code: EventCode, reason: str) -> Event:
    now = clock.now()
    name = "Acme" if code in _ABOUT_CONNECTION else "Nightly batches"
    if code in (EventCode.DISK_NEARLY_FULL, EventCode.DISK_OK):
        name = "/var/lib/cwexport"
    before = _RECOVERED_FROM.get(code, "")
    return Event(
        code=code,
        subject_name="" if code in _ABOUT_NOTHING else name,
        reason=reason,
        created_at=now,
        state_before=before,
        before_since=now - timedelta(hours=6) if before else None,
        before_count=12 if before else 0,
        result=Run.Status.SUCCEEDED if code == EventCode.REPORT else "",
        run=_run() if code == EventCode.REPORT else None,
    )


def _run() -> Run:
    """What a report tells of; it is stored nowhere."""
    return Run(
        status=Run.Status.SUCCEEDED,
        batch_count=352,
        file_name="nightly.xml",
        file_sha256=hashlib.sha256(b"nightly.xml").hexdigest(),
    )
