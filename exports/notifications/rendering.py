"""Writes a message: subject, text and HTML in the language of its channel (rule N3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from exports import clock
from exports.connectwise.language import gettext as _
from exports.models import Channel, Event, Message
from exports.models.codes import EventCode
from exports.models.events import TURNS
from exports.models.installations import Installation
from exports.notifications.attachments import attachments_of
from exports.notifications.kind import Letter
from exports.notifications.wording import REPORTS, TEST, WORDING, WORKFLOW_REPORTS, Wording
from exports.number_formats import grouped


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Everything in the block is said in a channel's language; unknown ones fall back."""
    known = settings.CWEXPORT_MESSAGE_LANGUAGES
    language = known[code][0] if code in known else settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(ZoneInfo(settings.TIME_ZONE)):
        yield


def render_message(message: Message) -> Letter:
    """The letter of an outbox row, with what it takes along."""
    with in_language(message.channel.language):
        # Read here, as stored sentences are translated when they are read.
        event = Event.objects.select_related("task", "run", "connection").get(pk=message.event_id)
        letter_id = f"cwexport-{Installation.objects.own_id()[:12]}-{message.pk}"
        notes, attached = attachments_of(event, message)
        return _write(event, letter_id, notes=tuple(notes), attachments=attached)


def render_event(event: Event, language: str) -> Letter:
    """How an event would be told, for the preview."""
    with in_language(language):
        return _write(event, f"cwexport-preview-{event.code}")


def render_test(channel: Channel) -> Letter:
    with in_language(channel.language):
        now = clock.now()
        event = Event(code="test", subject_name=channel.name, created_at=now)
        return _write(event, f"cwexport-test-{channel.pk}-{int(now.timestamp())}")


def moment(at: datetime) -> str:
    """As pages write it, in the installation's zone, which is named."""
    local = timezone.localtime(at, ZoneInfo(settings.TIME_ZONE))
    return f"{local:%Y-%m-%d %H:%M:%S} ({settings.TIME_ZONE})"


def link_to(event: Event) -> str:
    """The page to go to; "" while the installation does not know its own address."""
    base = settings.CWEXPORT_PUBLIC_URL
    if not base:
        return ""
    path = _path(event)
    script = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    return f"{base.rstrip('/')}{path.removeprefix(script) if script else path}"


def _path(event: Event) -> str:
    if event.run_id:
        return reverse("run-detail", args=[event.run_id])
    if event.workflow_run_number:
        return reverse("workflow-run-detail", args=[event.workflow_run_number])
    if event.task_id:
        return reverse("task-detail", args=[event.task_id])
    if event.connection_id:
        return reverse("connection-edit", args=[event.connection_id])
    return reverse("home")


def _write(
    event: Event, letter_id: str, *, notes: tuple[str, ...] = (), attachments: Any = ()
) -> Letter:
    wording = _wording(event)
    params = {"task": event.subject_name}
    subject = " ".join((_(wording.subject) % params).split())
    parts = {
        "happened": [_(wording.happened) % params, *([event.reason] if event.reason else [])],
        "to_do": [_(wording.to_do)],
        "next": [_(wording.next)] if wording.next else [],
    }
    paragraphs = tuple(" ".join(map(str, part)) for part in parts.values() if part)
    facts = tuple(_facts(event))
    link = link_to(event)
    letter = Letter(
        id=letter_id,
        code=event.code,
        created_at=event.created_at.isoformat(),
        subject=f"[cwexport] {subject}",
        paragraphs=(*paragraphs, *notes),
        facts=facts,
        link=link,
        link_label=str(_("Open in cwexport")),
        data=_data(event),
        attachments=attachments,
    )
    context = {"letter": letter, "title": subject, "language": translation.get_language()}
    html = render_to_string("exports/messages/mail.html", context)
    return Letter(**{**vars(letter), "html": html})


def _wording(event: Event) -> Wording:
    if event.code == EventCode.REPORT:
        reports = WORKFLOW_REPORTS if event.workflow_number else REPORTS
        return reports.get(event.result, reports["failed"])
    return WORDING.get(event.code, TEST)


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    if event.subject_name:
        yield str(_subject_label(event)), event.subject_name
    if event.run_id:
        yield str(_("Run")), str(event.run_id)
    yield str(_("When")), moment(event.created_at)
    run = event.run
    if run is not None and run.batch_count is not None:
        yield str(_("Batches")), str(grouped(run.batch_count))
    if run is not None and run.file_name and run.status == "succeeded":
        yield str(_("File")), run.file_name
        yield "SHA-256", run.file_sha256
    if event.state_before not in ("", "ok") and event.before_since:
        yield str(_("It had not been so since")), moment(event.before_since)
        if _topic(event) not in ("result", "workflow", "delivery"):
            return
        count = event.before_count
        times = ngettext("%(count)s time", "%(count)s times", count) % {"count": grouped(count)}
        yield str(_("Recorded")), times


def _subject_label(event: Event) -> str:
    if event.code == "test":
        return _("Channel")
    topic = _topic(event)
    if topic == "workflow" or event.workflow_number:
        return _("Workflow")
    if topic in ("key", "certificate"):
        return _("Connection")
    return _("Where") if topic in ("disk", "workers") else _("Task")


def _topic(event: Event) -> str:
    return TURNS[EventCode(event.code)].topic if event.code in TURNS else "result"


def _data(event: Event) -> dict[str, Any]:
    """The event for programs."""
    run = event.run
    return {
        "event": event.code,
        "result": event.result or None,
        "subject_name": event.subject_name,
        "reason": str(event.reason) or None,
        "task_id": event.task_id,
        "run_id": event.run_id,
        "workflow_id": event.workflow_number,
        "workflow_run_id": event.workflow_run_number,
        "error_code": (run.error_code or run.suspicion_code or None) if run else None,
        "batch_count": run.batch_count if run else None,
        "file_name": (run.file_name or None) if run else None,
        "file_sha256": (run.file_sha256 or None) if run else None,
        "state_before": event.state_before or None,
        "before_since": event.before_since.isoformat() if event.before_since else None,
        "before_count": event.before_count,
    }
