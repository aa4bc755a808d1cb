"""Pruning of one task, as a round of housekeeping prunes all."""

from datetime import timedelta

from django.utils import timezone

from exports.housekeeping.pruning import Pace, Pruned, delete_marked, mark
from exports.housekeeping.retention import Policy, expired_runs
from exports.models import Run, Task

NEWEST_ALONE = Policy(keep_days=36_500, keep_runs=1)


def prune(task: Task, policy: Policy = NEWEST_ALONE) -> list[int]:
    """Delete all runs of the task that the policy does not keep; returns their numbers."""
    now = timezone.now()
    own = set(task.runs.values_list("pk", flat=True))
    runs = mark([number for number in expired_runs(policy, now) if number in own], now)
    return [run.pk for run in delete_marked(runs, Pruned(), Pace())]


def make_old(*runs: Run, days: int = 100) -> None:
    """Let these runs have ended so many days ago."""
    ended = timezone.now() - timedelta(days=days)
    numbers = [run.pk for run in runs]
    Run.objects.filter(pk__in=numbers).update(finished_at=ended, queued_at=ended, started_at=ended)
