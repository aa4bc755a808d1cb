"""What a report takes along: the log of its run, and the file while it is small (rule N5)."""

from typing import Final

from django.utils import timezone

from exports.connectwise.language import gettext as _
from exports.models import Event, Message, Run, RunLogEntry, StepRun
from exports.notifications.kind import Attachment
from exports.notifications.registry import find_kind
from exports.storage import files

LARGEST_FILE: Final = 5_000_000


def attachments_of(event: Event, message: Message) -> tuple[list[str], tuple[Attachment, ...]]:
    """Sentences about what could not be taken along, and what could."""
    if not message.with_log and not message.with_file:
        return [], ()
    kind = find_kind(message.channel.kind)
    if kind is None or not kind.takes_files:
        return [_("Log and file are on the run's page: this kind of channel takes none.")], ()
    notes: list[str] = []
    found: list[Attachment] = []
    room = LARGEST_FILE
    for run in _runs_of(event):
        if message.with_log:
            found.append(_log(run))
        if message.with_file and run.status == Run.Status.SUCCEEDED:
            attached = _file(run, room, notes)
            room -= len(attached.content) if attached else 0
            found += [attached] if attached else []
    return notes, tuple(found)


def _runs_of(event: Event) -> list[Run]:
    """The run, or those of a workflow's steps."""
    if event.run is not None:
        return [event.run]
    if event.workflow_run_number is None:
        return []
    steps = StepRun.objects.filter(workflow_run=event.workflow_run_number, is_kept=False)
    rows = steps.select_related("run").order_by("position")
    return [step.run for step in rows if step.run is not None]


def _log(run: Run) -> Attachment:
    rows = RunLogEntry.objects.filter(run=run).order_by("id")
    lines = [
        f"{timezone.localtime(row.logged_at):%Y-%m-%d %H:%M:%S %Z} {row.level} {row.message}"
        for row in rows
    ]
    return Attachment(f"run-{run.pk}.log", ("\n".join(lines) + "\n").encode())


def _file(run: Run, room: int, notes: list[str]) -> Attachment | None:
    if (run.file_size or 0) > room:
        message = _("%(file)s is not here, as files may have 5 MB: it is on the run's page.")
        notes.append(message % {"file": run.file_name})
        return None
    try:
        with files.open_file(run) as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError:
        message = _("%(file)s is no longer in the history.")
        notes.append(message % {"file": run.file_name})
        return None
    return Attachment(run.file_name, content, "application/xml")
