"""What changed between a run and the last success of its task before it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from exports.models import Run
from exports.templatetags.formatting import byte_size, duration, grouped, mode, utc


@dataclass(frozen=True)
class Change:
    """One line of before and after, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """Only what differs from `previous`: in the request and in the result."""

    previous: Run
    asked: list[Change]
    came: list[Change]


def changes_of(run: Run) -> Changes | None:
    """None for the first run of a task, and for re-exports, which ask for something else (R7)."""
    if run.is_reexport:
        return None
    # Do not compare with a suspicious run, which may have seen too little (W10).
    previous = Run.objects.own_successes(run.task_id).trusted().filter(pk__lt=run.pk).first()
    if previous is None:
        return None
    came = _came(previous, run) if run.status == Run.Status.SUCCEEDED else []
    return Changes(previous, _differing(_asked(previous, run)), _differing(came))


def _differing(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.before != change.after]


def _asked(before: Run, after: Run) -> list[Change]:
    return [
        Change(_("Connection"), _connection(before), _connection(after)),
        Change(_("Conditions"), before.conditions or _("None"), after.conditions or _("None")),
        Change(_("Export Modified, New or All Records"), mode(before.export), mode(after.export)),
        Change(_("Date Created"), utc(before.date_created_before), utc(after.date_created_before)),
        Change(
            _("Date Modified"),
            utc(before.date_modified_before),
            utc(after.date_modified_before),
        ),
        Change(_("Page Size"), grouped(before.page_size), grouped(after.page_size)),
        Change(_("Output File"), before.output_file, after.output_file),
        Change(
            _("Include extra API fields"),
            _yes_or_no(before.include_extra_fields),
            _yes_or_no(after.include_extra_fields),
        ),
    ]


def _came(before: Run, after: Run) -> list[Change]:
    return [
        Change(_("Batches in the file"), grouped(before.batch_count), grouped(after.batch_count)),
        Change(
            _("Batches in ConnectWise"),
            grouped(before.unfiltered_count),
            grouped(after.unfiltered_count),
        ),
        Change(_("File size"), byte_size(before.file_size), byte_size(after.file_size)),
        Change(_("Duration"), duration(before.duration), duration(after.duration)),
        Change(_("Retries"), grouped(before.retry_count), grouped(after.retry_count)),
    ]


def _connection(run: Run) -> str:
    return f"{run.company}, {run.public_key}, {run.site}"


def _yes_or_no(flag: bool) -> str:
    return _("Yes") if flag else _("No")
