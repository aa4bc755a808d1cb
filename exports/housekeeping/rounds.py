"""Runs a round of housekeeping: daily by itself, by a button or by command (G1, G3)."""

import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError
from django.utils import timezone

from exports import clock
from exports.connectwise.language import gettext as _
from exports.connectwise.language import joined
from exports.housekeeping.free_space import give_back
from exports.housekeeping.leftovers import delete_staged
from exports.housekeeping.old_rows import old_rows
from exports.housekeeping.pruning import (
    ROWS_AT_ONCE,
    RUNS_AT_ONCE,
    Pace,
    Pruned,
    PruningStoppedError,
    delete_in_portions,
    delete_marked,
    mark,
    marked_runs,
)
from exports.housekeeping.retention import Policy, expired_runs, keep_reason_of, with_keep_reason
from exports.models import AuditEntry, HousekeepingRound, RoundLostError, Run, RunSummary

logger = logging.getLogger(__name__)

# By the installation's clock on the wall.
DAILY_AT: Final = timedelta(hours=3)
_MAX_ERRORS: Final = 3
Look = Callable[[Run], object]


def tick(now: datetime, is_over: Callable[[], bool] = lambda: False) -> None:
    """Ask for the daily round when it is due, and run what waits; called by every worker."""
    day = due_day(now)
    if day is not None:
        is_first = not HousekeepingRound.objects.exclude(day=None).exists()
        HousekeepingRound.objects.ask(
            HousekeepingRound.Trigger.DAILY, now, day=day, is_dry_run=is_first
        )
    for row in HousekeepingRound.objects.active().order_by("id"):
        owner = _owner()
        if row.take(owner, now) or row.steal(owner, now):
            run_round(row, is_over=is_over)


def due_day(now: datetime) -> date | None:
    """The day whose round is due; None when it had it. Days begin at three in the morning."""
    day = (timezone.localtime(now) - DAILY_AT).date()
    is_done = HousekeepingRound.objects.filter(day__gte=day).exists()
    return None if is_done else day


def run_round(
    row: HousekeepingRound,
    *,
    policy: Policy | None = None,
    on_deleted: Look = lambda run: None,
    on_kept: Look = lambda run: None,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Bring a round that this process has taken to its end. Raises only for a lost database."""
    policy = policy or Policy.of_settings()
    work = _Round(row, policy, on_deleted, on_kept, is_over)
    try:
        work.run()
    except PruningStoppedError:
        row.release()
    except RoundLostError as error:
        logger.warning("%s", error)
    except (OSError, DatabaseError) as error:
        logger.exception(_("%(round)s failed."), {"round": row})
        row.fail(clock.now(), _reason(error), **work.pruned.counts)


@dataclass
class _Round:
    row: HousekeepingRound
    policy: Policy
    on_deleted: Look
    on_kept: Look
    is_over: Callable[[], bool]
    pruned: Pruned = field(default_factory=Pruned)

    def run(self) -> None:
        # The age of everything is judged at one moment, however long the round takes.
        now = self.row.started_at or clock.now()
        pace = Pace(self._checkpoint)
        if self.row.is_dry_run:
            self._count(now)
        else:
            self._delete(now, pace)
        self._end(0 if self.row.is_dry_run else give_back(pace))

    def _delete(self, now: datetime, pace: Pace) -> None:
        # Recovery looks at the last runs only.
        RunSummary.objects.add_missing()
        delete_staged()
        for ids in _in_portions(marked_runs()):
            self._delete_runs(list(Run.objects.filter(pk__in=ids).order_by("id")), pace)
        for ids in _in_portions(expired_runs(self.policy, now)):
            runs = mark(ids, now)
            self._delete_runs(runs, pace)
            self._show_kept(set(ids) - {run.pk for run in runs})
            pace.pause()
        for _label, rows in old_rows(self.policy.cutoff(now)):
            self.pruned.row_count += delete_in_portions(rows, pace)
        while count := AuditEntry.objects.prune(now.date(), ROWS_AT_ONCE):
            self.pruned.row_count += count
            pace.pause()

    def _delete_runs(self, runs: list[Run], pace: Pace) -> None:
        for run in delete_marked(runs, self.pruned, pace):
            self.on_deleted(run)

    def _show_kept(self, ids: set[int]) -> None:
        for run in with_keep_reason(Run.objects.filter(pk__in=ids)).order_by("id"):
            self.on_kept(run)

    def _count(self, now: datetime) -> None:
        for run in examined_runs(self.policy, now):
            if keep_reason_of(run):
                self.on_kept(run)
                continue
            self.on_deleted(run)
            self.pruned.run_count += 1
            self.pruned.file_count += bool(run.file_path)
            self.pruned.file_bytes += run.file_size or 0
        self.pruned.row_count = sum(
            rows.count() for _label, rows in old_rows(self.policy.cutoff(now))
        )
        self.pruned.row_count += AuditEntry.objects.expired(now.date()).count()

    def _checkpoint(self) -> None:
        self.row.renew(clock.now(), **self.pruned.counts)
        if self.is_over():
            raise PruningStoppedError

    def _end(self, freed_bytes: int) -> None:
        counts: dict[str, Any] = {**self.pruned.counts, "freed_bytes": freed_bytes}
        errors = self.pruned.errors
        if errors:
            self.row.fail(clock.now(), joined(errors[:_MAX_ERRORS]), **counts)
        else:
            self.row.finish(clock.now(), **counts)


def examined_runs(policy: Policy, now: datetime, *, most: int | None = None) -> Iterator[Run]:
    """The expired runs, each with `keep_reason`, which is "" for those that go; changes nothing."""
    for ids in _in_portions(expired_runs(policy, now, most=most), 500):
        yield from with_keep_reason(Run.objects.filter(pk__in=ids)).order_by("id")


def _in_portions(ids: list[int], size: int = RUNS_AT_ONCE) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _reason(error: Exception) -> str:
    return _("It was interrupted: %(reason)s.") % {"reason": str(error).strip().rstrip(".")}


def _owner() -> str:
    return f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
