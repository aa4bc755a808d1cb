"""The result of a fetched run: is it suspicious, which dates move (W2, W3, W10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from exports.connectwise.xml.validation import CheckedFile
from exports.models import DateChange, Delivery, Run, Task, TaskDestination
from exports.models.codes import Suspicion
from exports.pipeline.completeness import Counts
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import Preflight
from exports.pipeline.suspicions import suspicion_about
from exports.storage.file_names import render_output_name

CREATED = DateChange.DateField.CREATED
MODIFIED = DateChange.DateField.MODIFIED


@dataclass(frozen=True)
class RunResult:
    """What a success will record; `moves` holds the dates that move, by field name."""

    suspicion: Suspicion | None
    moves: Mapping[str, datetime]
    date_created_after: datetime
    date_modified_after: datetime
    proven_count: int | None
    visible_up_to: int
    visible_count: int | None
    file_name: str
    checked: CheckedFile


def evaluate(
    run: Run,
    preflight: Preflight,
    written: Written,
    counts: Counts,
    *,
    checked: CheckedFile,
) -> RunResult:
    """Work out what a success of this run will record, before its file is published."""
    suspicion = suspicion_about(run, preflight, written, counts)
    moves = {} if suspicion else _moves(run, preflight.started_at)
    return RunResult(
        suspicion=suspicion,
        moves=moves,
        date_created_after=moves.get(CREATED, run.date_created_before),
        date_modified_after=moves.get(MODIFIED, run.date_modified_before),
        proven_count=counts.proven_count,
        visible_up_to=preflight.visible_up_to,
        visible_count=_visible_count(preflight, counts),
        file_name=_file_name(run),
        checked=checked,
    )


@transaction.atomic
def record_success(run: Run, outcome: RunResult, file_path: str, manifest_sha256: str) -> None:
    """Record file, ledger, dates and the end of the run in one transaction (W2, O3).

    Raises LeaseLostError when this worker no longer holds the run.
    """
    checked = outcome.checked
    # Lock the task before the run, in the same order as queueing does, to avoid a deadlock.
    Task.objects.select_for_update(no_key=True).get(pk=run.task_id)
    run.succeed(
        run.owner,
        proven_count=outcome.proven_count,
        visible_up_to=outcome.visible_up_to,
        visible_count=outcome.visible_count,
        batch_count=checked.batch_count,
        file_path=file_path,
        file_name=outcome.file_name,
        file_size=checked.size,
        file_sha256=checked.sha256,
        manifest_sha256=manifest_sha256,
        suspicion=outcome.suspicion.message if outcome.suspicion else "",
        suspicion_code=outcome.suspicion.code if outcome.suspicion else "",
        date_created_after=outcome.date_created_after,
        date_modified_after=outcome.date_modified_after,
    )
    Delivery.objects.plan(run, _delivered_names(run))
    for field, moment in outcome.moves.items():
        _move_date(run, field, moment)


def _visible_count(preflight: Preflight, counts: Counts) -> int | None:
    """The lower of the counts at start and end: the run may have missed batches created between."""
    known = [preflight.unfiltered_count, counts.visible_count]
    return None if None in known else min(count for count in known if count is not None)


def _delivered_names(run: Run) -> dict[str, str]:
    """The file name for each name template of the task's destinations (D2)."""
    uses = TaskDestination.objects.filter(task=run.task_id).exclude(name_template="")
    templates = uses.values_list("name_template", flat=True)
    return {template: _file_name(run, template) for template in templates}


def _file_name(run: Run, template: str = "") -> str:
    assert run.started_at is not None  # noqa: S101 - a held run has started
    return render_output_name(
        template or run.output_file,
        task_name=run.task_name,
        run_id=run.pk,
        started_at=run.started_at,
        zone=ZoneInfo(settings.TIME_ZONE),
    )


def _moves(run: Run, started_at: datetime) -> dict[str, datetime]:
    """The dates this run moves, by its export mode (W3); none moves backwards (W2)."""
    if run.is_reexport:
        return {}
    if run.export == "new":
        fields = [CREATED]
    elif run.export == "all" or _reached_back_to_created(run):
        fields = [CREATED, MODIFIED]
    else:
        fields = [MODIFIED]
    before = {CREATED: run.date_created_before, MODIFIED: run.date_modified_before}
    return {field: started_at for field in fields if started_at > before[field]}


def _reached_back_to_created(run: Run) -> bool:
    return run.modified_after is not None and run.modified_after <= run.date_created_before


def _move_date(run: Run, field: str, moment: datetime) -> None:
    """Move one date of the task and record it in the history, unless it was changed meanwhile."""
    before = getattr(run, f"{field}_before")
    if Task.objects.filter(pk=run.task_id, **{field: before}).update(**{field: moment}) != 1:
        setattr(run, f"{field}_after", None)
        Run.objects.filter(pk=run.pk).update(**{f"{field}_after": None})
        return
    DateChange.objects.create(
        task_id=run.task_id,
        field=field,
        origin=DateChange.Origin.RUN,
        date_before=before,
        date_after=moment,
        run_id=run.pk,
    )
