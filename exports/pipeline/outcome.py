"""What a finished walk means: complete, believable, and which dates move (P3, W2, W3, W10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.connectwise.xml.validation import CheckedFile
from exports.models import DateChange, Delivery, Run, Task
from exports.models.codes import Suspicion, SuspicionCode
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import Preflight
from exports.storage.file_names import render_output_name

CREATED = DateChange.DateField.CREATED
MODIFIED = DateChange.DateField.MODIFIED


@dataclass(frozen=True)
class RunResult:
    """What a success means; `moves` holds the dates that move, by field name."""

    suspicion: Suspicion | None
    moves: Mapping[str, datetime]
    date_created_after: datetime
    date_modified_after: datetime
    proven_count: int | None
    file_name: str
    checked: CheckedFile


def suspicion_about(
    run: Run,
    preflight: Preflight,
    written: Written,
    *,
    proven_count: int | None,
    shown_count: int | None,
) -> Suspicion | None:
    """Why a complete run is still hard to believe (W10)."""
    expected, fetched = preflight.expected_count or 0, written.fetched_count
    # Lists and counts that both went empty under way prove each other, and yet prove nothing.
    if proven_count is not None and fetched < expected and proven_count * 2 <= fetched:
        params = {"expected": expected, "fetched": fetched, "counted": proven_count}
        return Suspicion(
            SuspicionCode.COUNT_FELL,
            _(
                "ConnectWise counted %(expected)s matching batches, gave %(fetched)s and then "
                "counted %(counted)s of them. Check that the API member's role still lets it see "
                "them."
            )
            % {name: grouped(count) for name, count in params.items()},
        )
    if preflight.unfiltered_count is not None:
        if shown_count is not None and shown_count * 2 < preflight.unfiltered_count:
            return Suspicion(
                SuspicionCode.LOST_FROM_SIGHT,
                _(
                    "ConnectWise showed %(before)s batches when the run began and %(after)s at its "
                    "end. Check the API member's role and level."
                )
                % {"before": grouped(preflight.unfiltered_count), "after": grouped(shown_count)},
            )
        if written.fetched_count == 0 and preflight.unfiltered_count == 0:
            return Suspicion(
                SuspicionCode.NOTHING_SHOWN,
                _(
                    "ConnectWise shows this API member no batches at all. Check that its security "
                    "role and level still let it see them."
                ),
            )
        before = _previous_unfiltered_count(run)
        if before is not None and preflight.unfiltered_count * 2 < before:
            return Suspicion(
                SuspicionCode.FEWER_SHOWN,
                _(
                    "ConnectWise shows %(now)s batches, less than half of the %(before)s at the "
                    "run before. Check the API member's role and level."
                )
                % {"now": grouped(preflight.unfiltered_count), "before": grouped(before)},
            )
    date = {"modified": run.date_modified_before, "new": run.date_created_before}.get(run.export)
    now = _clock_of_connectwise(run, preflight)
    if date is not None and date > now:
        dates = {"date": date, "now": now}
        return Suspicion(
            SuspicionCode.DATE_AHEAD,
            _(
                "The date %(date)s lies ahead of ConnectWise's clock, %(now)s: what changes until "
                "then is not exported. Correct the date on the task."
            )
            % {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in dates.items()},
        )
    return None


def evaluate(
    run: Run,
    preflight: Preflight,
    written: Written,
    *,
    checked: CheckedFile,
    proven_count: int | None,
    shown_count: int | None,
) -> RunResult:
    """What a success of this run will say, before anything is published."""
    suspicion = suspicion_about(
        run, preflight, written, proven_count=proven_count, shown_count=shown_count
    )
    moves = {} if suspicion else _moves(run, preflight.started_at)
    return RunResult(
        suspicion=suspicion,
        moves=moves,
        date_created_after=moves.get(CREATED, run.date_created_before),
        date_modified_after=moves.get(MODIFIED, run.date_modified_before),
        proven_count=proven_count,
        file_name=_file_name(run),
        checked=checked,
    )


@transaction.atomic
def record_success(run: Run, outcome: RunResult, file_path: str, manifest_sha256: str) -> None:
    """File, ledger, dates and the end of the run, together or not at all (W2, O3).

    Raises LostRunError when this worker does not hold the run any more.
    """
    checked = outcome.checked
    # Task before run, as queueing does, so that neither waits for the other for ever.
    Task.objects.select_for_update().get(pk=run.task_id)
    run.succeed(
        run.owner,
        proven_count=outcome.proven_count,
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
    Delivery.objects.plan(run)
    for field, moment in outcome.moves.items():
        _move_date(run, field, moment)


def _file_name(run: Run) -> str:
    assert run.started_at is not None  # noqa: S101 - a held run has started
    return render_output_name(
        run.output_file,
        task_name=run.task_name,
        run_id=run.pk,
        started_at=run.started_at,
        zone=ZoneInfo(settings.TIME_ZONE),
    )


def _moves(run: Run, started_at: datetime) -> dict[str, datetime]:
    """The dates whose promise this run has kept (W3), never backwards (W2)."""
    if run.is_reexport:
        return {}
    if run.export == "new":
        kept = [CREATED]
    elif run.export == "all" or _reached_back_to_created(run):
        kept = [CREATED, MODIFIED]
    else:
        kept = [MODIFIED]
    before = {CREATED: run.date_created_before, MODIFIED: run.date_modified_before}
    return {field: started_at for field in kept if started_at > before[field]}


def _reached_back_to_created(run: Run) -> bool:
    return run.modified_after is not None and run.modified_after <= run.date_created_before


def _move_date(run: Run, field: str, moment: datetime) -> None:
    """Move one date of the task, unless somebody moved it meanwhile; add it to the history."""
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
        run=run,
    )


def _clock_of_connectwise(run: Run, preflight: Preflight) -> datetime:
    """What it shows by now: a run's start lies earlier than that by whole seconds (W2)."""
    now = timezone.now()
    # A preview is no run and has just begun.
    return (preflight.started_at + (now - (run.started_at or now))).replace(microsecond=0)


def _previous_unfiltered_count(run: Run) -> int | None:
    earlier = Run.objects.succeeded().filter(
        task_id=run.task_id,
        site=run.site,
        company=run.company,
        pk__lt=run.pk,
        unfiltered_count__isnull=False,
    )
    return earlier.newest_first().values_list("unfiltered_count", flat=True).first()
