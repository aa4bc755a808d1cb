"""The questions that are asked of all runs."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from exports.models.runs.progress import Progress

if TYPE_CHECKING:
    from exports.models.runs.run import Run  # noqa: F401 - of what this is a set

# Without a heartbeat for this long a run's worker is taken for dead (rule R3).
DEAD_AFTER = timedelta(seconds=60)
# A run whose worker died this many times in a row is taken for the cause (rule R3).
PARK_AFTER = 3


def is_stalled() -> models.Q:
    """The worker of a running run has been silent for too long."""
    return models.Q(heartbeat_at__lt=timezone.now() - DEAD_AFTER)


# A running run without an answer for this long may be waiting for a host that is dead.
_ANSWER_WITHIN = timedelta(seconds=10)


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> "RunQuerySet":
        return self.filter(status__in=Progress.ACTIVE)

    def queued(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.QUEUED)

    def running(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.RUNNING)

    def succeeded(self) -> "RunQuerySet":
        return self.filter(status=Progress.Status.SUCCEEDED)

    def unanswered(self) -> "RunQuerySet":
        """Running, and ConnectWise has not answered them yet, or not for a while."""
        now = timezone.now()
        answered = models.Q(answered_at__range=(now - _ANSWER_WITHIN, now + _ANSWER_WITHIN))
        return self.running().exclude(is_stalled()).exclude(answered)

    def lost(self) -> "RunQuerySet":
        """Running, but their worker has been silent for too long."""
        return self.running().filter(is_stalled())

    def newest_first(self) -> "RunQuerySet":
        return self.order_by("-id")
