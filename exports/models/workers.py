"""Heartbeats of the workers, so that a page can say when none is alive."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

SEEN_EVERY = timedelta(seconds=5)
DEAD_AFTER = timedelta(seconds=30)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        now = timezone.now()
        # A time in the future was written before the clock was set back, and not renewed since.
        return self.filter(seen_at__range=(now - DEAD_AFTER, now + DEAD_AFTER))

    def see(self, name: str, process_id: int) -> None:
        """Record a heartbeat of the worker `name`."""
        now = timezone.now()
        self.update_or_create(
            name=name,
            defaults={"seen_at": now},
            create_defaults={"seen_at": now, "started_at": now, "process_id": process_id},
        )

    def prune_stalled(self) -> None:
        now = timezone.now()
        recent = (now - timedelta(days=1), now + DEAD_AFTER)
        self.exclude(seen_at__range=recent).delete()


class Worker(models.Model):
    """A worker process; it renews its row every few seconds."""

    name = models.CharField(max_length=100, unique=True)
    process_id = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
