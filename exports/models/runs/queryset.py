"""Queries over all runs."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Max

from exports import clock
from exports.models.codes import Activity
from exports.models.runs.progress import Progress

if TYPE_CHECKING:
    from exports.models.runs.run import Run

# Without a heartbeat for this long, a run's worker counts as dead (rule R3).
DEAD_AFTER = timedelta(seconds=60)
# A run whose workers died this many times in a row counts as the cause (rule R3).
PARK_AFTER = 3


def is_stalled() -> models.Q:
    """Selects runs whose worker has sent no heartbeat for DEAD_AFTER."""
    return models.Q(heartbeat_at__lt=clock.now() - DEAD_AFTER)


# A running run without an answer for this long may be waiting for a dead host.
_ANSWER_WITHIN = timedelta(seconds=10)


def is_trusted() -> models.Q:
    """Selects successes that are not suspicious, or whose count a person accepted (W10)."""
    return models.Q(suspicion="") | models.Q(count_accepted_at__isnull=False)


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> "RunQuerySet":
        return self.filter(status__in=Progress.ACTIVE)

    def queued(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.QUEUED)

    def running(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.RUNNING)

    def succeeded(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.SUCCEEDED)

    def ended_last(self, status: str, most: int) -> "RunQuerySet":
        """The `most` that were the last to end so, found from an index alone."""
        ids = self.filter(status=status).order_by("-finished_at").values("pk")[:most]
        return self.filter(pk__in=ids)

    def unanswered(self) -> "RunQuerySet":
        """Running, and waiting for an answer of ConnectWise: the first one, or one for a while."""
        now = clock.now()
        answered = models.Q(answered_at__range=(now - _ANSWER_WITHIN, now + _ANSWER_WITHIN))
        asking = self.running().exclude(activity__in=Activity.without_requests())
        return asking.exclude(is_stalled()).exclude(answered)

    def own_successes(self, task_id: int) -> "RunQuerySet":
        """Successes of the task, newest first, without re-exports."""
        return self.succeeded().filter(task_id=task_id).exclude(trigger="reexport").newest_first()

    def trusted(self) -> "RunQuerySet":
        """Not suspicious, or with a count that a person has accepted (W10)."""
        return self.filter(is_trusted())

    def baseline_of(self, run: "Run") -> "Run | None":
        """The last trusted run with a count, which the run is compared with."""
        return self._trusted_before(run).filter(unfiltered_count__isnull=False).first()

    def is_uncounted_since(self, run: "Run", baseline: "Run | None") -> bool:
        """Whether, since `baseline`, a trusted run was refused all counts."""
        since = self._trusted_before(run).filter(unfiltered_count=None)
        return (since.filter(pk__gt=baseline.pk) if baseline else since).exists()

    def _trusted_before(self, run: "Run") -> "RunQuerySet":
        own = self.own_successes(run.task_id).trusted()
        return own.filter(site=run.site, company=run.company, pk__lt=run.pk)

    def lost(self) -> "RunQuerySet":
        """Running, but stalled: their worker is taken for dead."""
        return self.running().filter(is_stalled())

    def newest_of(self, task_ids: Iterable[int]) -> "RunQuerySet":
        """The newest run of each of these tasks."""
        newest = self.filter(task__in=task_ids).order_by().values("task").annotate(it=Max("pk"))
        return self.filter(pk__in=newest.values("it"))

    def newest_first(self) -> "RunQuerySet":
        return self.order_by("-id")
