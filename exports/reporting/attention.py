"""Which tasks need attention; the number of queries and rows does not grow with the tasks."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from exports.models import Acknowledgement, Run, Task
from exports.reporting.notices import topics

# The topic of last runs, beside those of the notices.
RUNS = "runs"
FAILED = Q(status=Run.Status.FAILED)
DOUBTFUL = ~Q(suspicion="") & Q(count_accepted_at=None)


def last_runs(result: Q) -> QuerySet[Run]:
    """Each task's newest ended run where it has this result, newest first.

    Archived tasks are left aside, and re-exports: they say nothing about how a task is doing.
    """
    own = Run.objects.filter(task=OuterRef("pk")).exclude(trigger=Run.Trigger.REEXPORT)
    ended = own.exclude(status__in=Run.ACTIVE).order_by("-id").values("id")
    tasks = Task.objects.filter(archived_at=None).annotate(last_run_id=Subquery(ended[:1]))
    return Run.objects.filter(result, pk__in=tasks.values("last_run_id")).order_by("-id")


def unseen_last_runs() -> QuerySet[Run]:
    """Those that need attention and that nobody has acknowledged."""
    runs: QuerySet[Run] = Acknowledgement.objects.leave_out(
        last_runs(FAILED | DOUBTFUL), RUNS, "finished_at"
    )
    return runs


def acknowledged(most: int) -> list[Acknowledgement]:
    """Those that still hold, the newest first."""
    holds = Q()
    for topic, (rows, since) in {
        **topics(),
        RUNS: (last_runs(FAILED | DOUBTFUL), "finished_at"),
    }.items():
        same = rows.order_by().filter(pk=OuterRef("number"), **{since: OuterRef("since")})
        holds |= Q(Exists(same), kind=topic)
    return list(Acknowledgement.objects.filter(holds).order_by("-acknowledged_at")[:most])


def wrong_and_active(most_wrong: int, most_active: int) -> tuple[list[Run], list[Run]]:
    """The newest last runs that need attention, and the active runs, the longest waiting first."""
    wrong = unseen_last_runs().values("pk")[:most_wrong]
    active: Any = Run.objects.active().order_by("id").values("pk")[:most_active]
    either = Q(pk__in=wrong) | Q(pk__in=active)
    runs = list(Run.objects.filter(either).select_related("task").order_by("-id"))
    return (
        [run for run in runs if not run.is_active],
        [run for run in reversed(runs) if run.is_active],
    )
