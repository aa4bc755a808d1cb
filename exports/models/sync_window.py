"""Works out the sync window of a task's next run, and why (rules W1, W4, W5, W9)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Max, Q

from exports import clock
from exports.connectwise.filter.conditions import Condition, changing_fields
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped, ngettext
from exports.models.dates import DateChange

if TYPE_CHECKING:
    from exports.models.runs import Run, RunSummary
    from exports.models.tasks import Task

CREATED = DateChange.DateField.CREATED
MODIFIED = DateChange.DateField.MODIFIED


@dataclass(frozen=True)
class Restart:
    """The next run starts again at `starts_at`, as `run` had other conditions or company (W9)."""

    field: DateChange.DateField
    run: "RunSummary"
    starts_at: datetime
    company_changed: bool


@dataclass(frozen=True)
class SyncWindow:
    """What a run fetches by time and id. The run turns `created_after` into a start id.

    `restart` is set when the date's last run had other conditions or another company.
    """

    modified_after: datetime | None = None
    created_after: datetime | None = None
    start_id: int | None = None
    skips_known: bool = False
    # Skip only batches exported by this run or later; None skips all exported ones.
    known_from_run: int | None = None
    reason: str = ""
    restart: Restart | None = None


def next_window(task: "Task", conditions: str, now: datetime) -> SyncWindow:
    """The window of a run of `task` that is queued `now` with `conditions` as sent."""
    if task.export == task.Export.MODIFIED:
        return _modified_window(task, conditions)
    if task.export == task.Export.NEW:
        return _new_window(task, conditions, now)
    return SyncWindow(reason=_("All: every batch that meets the conditions, whenever it changed."))


def passes_over_late_matches(conditions: Sequence[Condition]) -> str:
    """What New does not export under these conditions (W12); "" when nothing matches later."""
    fields = changing_fields(conditions)
    if not fields:
        return ""
    return _(
        "New looks at each batch once: one that comes to meet the conditions only later, by a "
        "change of %(fields)s, is never exported. Modified exports it then."
    ) % {"fields": ", ".join(fields)}


def restart_of(task: "Task", conditions: str) -> Restart | None:
    """The restart in the window of the next run; None when it does not start again."""
    return next_window(task, conditions, clock.now()).restart


def reached_back(task: "Task", run: "Run") -> SyncWindow | None:
    """A wider window for `run`, from the last date a person set; None when it has that (W11).

    For batches that ConnectWise shows again: they may have been hidden at any time since that date.
    Exported batches are skipped.
    """
    if run.export == task.Export.MODIFIED and run.modified_after is not None:
        typed = _last_typed(task, MODIFIED)
        if run.modified_after > typed:
            return SyncWindow(modified_after=typed, skips_known=True, reason=_back_in_sight())
    if run.export == task.Export.NEW and run.start_id is not None:
        window = _new_from_decision(task, run.conditions)
        if window.start_id != run.start_id:
            return window
    return None


def _new_from_decision(task: "Task", conditions: str) -> SyncWindow:
    for change in _moves_since_typed(task):
        if change.run is None or not is_vouched(change, task, conditions):
            break
        if change.origin == DateChange.Origin.FROM_NOW:
            start_id = change.run.highest_id
            return SyncWindow(start_id=start_id, skips_known=True, reason=_back_in_sight())
    typed = _last_typed(task, CREATED)
    return SyncWindow(created_after=typed, skips_known=True, reason=_back_in_sight())


def _back_in_sight() -> str:
    return _(
        "Batches came back into sight: everything since the last typed date, less what already "
        "went out."
    )


def reexport_reason(of_run: "Run | RunSummary | None", id_count: int) -> str:
    """Says which batches are exported again, instead of the reason for a window (R7)."""
    if of_run is not None:
        return _("The batches of run %(run)s, as they are now.") % {"run": of_run.pk}
    return ngettext(
        "%(count)s batch chosen from the ledger, as it is now.",
        "%(count)s batches chosen from the ledger, as they are now.",
        id_count,
    ) % {"count": grouped(id_count)}


def overlap() -> timedelta:
    """How far a run reaches back behind a date set by a run (rule W5).

    At least a second: a run starts within a second and cannot have seen all of it.
    """
    return max(timedelta(minutes=settings.CWEXPORT_OVERLAP_MINUTES), timedelta(seconds=1))


def _modified_window(task: "Task", conditions: str) -> SyncWindow:
    newest, typed = _newest_change(task, MODIFIED), _last_typed(task, MODIFIED)
    if newest is None or newest.run is None:
        return _typed_window(task, newest, SyncWindow(modified_after=task.date_modified))
    if not is_vouched(newest, task, conditions):
        return SyncWindow(
            modified_after=typed,
            skips_known=True,
            restart=_restart(task, newest.run, MODIFIED, typed),
            reason=_(
                "Conditions or company changed since the date moved: everything since the last "
                "typed date, less what already went out."
            ),
        )
    return SyncWindow(
        modified_after=max(task.date_modified - overlap(), typed),
        skips_known=True,
        reason=_overlap_reason(settings.CWEXPORT_OVERLAP_MINUTES),
    )


def _typed_window(task: "Task", typed: DateChange | None, window: SyncWindow) -> SyncWindow:
    """The window from a typed date, skipping only what runs from that date exported (W5, W6).

    A suspicious run does not move the date, but its batches are in a file and must not come twice.
    """
    first = _first_served(task, typed) if typed else None
    if first is None:
        reason = _("The date was typed: it is taken literally and nothing is skipped.")
        return replace(window, reason=reason if window.modified_after else "")
    reason = _(
        "The date was typed: it is taken literally. Only what went out since is skipped, from "
        "run %(run)s on."
    )
    return replace(window, skips_known=True, known_from_run=first, reason=reason % {"run": first})


def _first_served(task: "Task", typed: DateChange) -> int | None:
    """The first run since the date was typed, or came back by *Undo*, that has a file."""
    undone = task.date_changes.filter(field=typed.field, pk__gt=typed.pk, undone_at__isnull=False)
    came_back_at = undone.aggregate(last=Max("undone_at"))["last"]
    since = max(filter(None, (typed.changed_at, came_back_at)))
    served = task.run_summaries.filter(export=task.export, queued_at__gte=since)
    # In the order of the index, so that the task's runs before the date are not read.
    found = served.exclude(trigger="reexport").order_by("queued_at", "id")
    return found.values_list("pk", flat=True).first()


def _overlap_reason(minutes: int) -> str:
    if minutes == 0:
        return _(
            "From the second of the date on, as the run that set it cannot have seen all of it; "
            "versions that already went out are skipped."
        )
    return ngettext(
        "%(count)s minute before the date, so that late arrivals are not lost; versions that "
        "already went out are skipped.",
        "%(count)s minutes before the date, so that late arrivals are not lost; versions that "
        "already went out are skipped.",
        minutes,
    ) % {"count": grouped(minutes)}


def _new_window(task: "Task", conditions: str, now: datetime) -> SyncWindow:
    newest, typed = _newest_change(task, CREATED), _last_typed(task, CREATED)
    if newest is None or newest.run is None:
        return _typed_window(task, newest, SyncWindow(created_after=task.date_created))
    if not is_vouched(newest, task, conditions):
        restart = _restart(task, newest.run, CREATED, typed)
        return SyncWindow(created_after=typed, skips_known=True, restart=restart)
    # ConnectWise may show a batch late, with an id below the highest id of the newest run.
    last_started_at = newest.run.started_at or now
    for change in _moves_since_typed(task):
        run = change.run
        if run is None or not is_vouched(change, task, conditions):
            break
        # *Only from now on* excludes every older batch, even one shown late.
        is_chosen = change.origin == DateChange.Origin.FROM_NOW
        if is_chosen or (run.finished_at and run.finished_at <= last_started_at - overlap()):
            return SyncWindow(
                start_id=run.highest_id,
                skips_known=True,
                reason=_(
                    "Ids above %(id)s, the highest when run %(run)s started; batches that already "
                    "went out are skipped."
                )
                % {"id": run.highest_id, "run": run.pk},
            )
    return SyncWindow(created_after=typed, skips_known=True)


def _restart(
    task: "Task", run: "RunSummary", field: DateChange.DateField, typed: datetime
) -> Restart:
    return Restart(field=field, run=run, starts_at=typed, company_changed=is_elsewhere(run, task))


def is_elsewhere(run: "RunSummary | None", task: "Task") -> bool:
    """Whether the run read another company than the task's connection does now."""
    connection = task.connection
    return run is not None and (run.site, run.company) != (connection.site, connection.company)


def is_vouched(change: DateChange, task: "Task", conditions: str) -> bool:
    """Whether the date is valid for these conditions and the current company (W9).

    Those must be the ones of the run that moved it, or the conditions that *only from now on* was
    chosen for. A typed date is always valid.
    """
    run = change.run
    if run is None:
        return True
    if is_elsewhere(run, task):
        return False
    is_chosen = change.origin == DateChange.Origin.FROM_NOW
    return conditions == (change.conditions if is_chosen else run.conditions)


def _newest_change(task: "Task", field: str) -> DateChange | None:
    changes = DateChange.objects.in_force(task.pk, field)
    return changes.select_related("run").first()


def _moves_since_typed(task: "Task") -> list[DateChange]:
    """Changes of Date Created since the last typed date, newest first."""
    moves = []
    changes = DateChange.objects.in_force(task.pk, CREATED).select_related("run")
    for change in changes.iterator(chunk_size=20):
        if change.origin == DateChange.Origin.TYPED:
            break
        moves.append(change)
    return moves


def _last_typed(task: "Task", field: str) -> datetime:
    """The last date a person set, where a restart begins."""
    in_force = DateChange.objects.in_force(task.pk, field)
    # Each by the index of origins, which passes over the thousands of moves by runs.
    typed, chosen = (
        in_force.filter(origin=origin).values("pk")[:1]
        for origin in (DateChange.Origin.TYPED, DateChange.Origin.FROM_NOW)
    )
    newest = DateChange.objects.filter(Q(pk__in=typed) | Q(pk__in=chosen)).order_by("-id").first()
    if newest is None:
        # Not reached: a new task has a history row for each date.
        moment: datetime = getattr(task, field)
        return moment
    if newest.origin == DateChange.Origin.FROM_NOW:
        return newest.date_after - overlap()
    return newest.date_after
