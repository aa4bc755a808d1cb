"""Heartbeats of the workers, so that a page can say when none is alive."""

from datetime import timedelta

from django.db import models
from django.db.models import Min, Q

from exports import clock
from exports.models.hosts import CLOCK_LIMIT, host_name, own_traits

SEEN_EVERY = timedelta(seconds=5)
DEAD_AFTER = timedelta(seconds=30)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        now = clock.now()
        # A time in the future was written before the clock was set back, and not renewed since.
        return self.filter(seen_at__range=(now - DEAD_AFTER, now + DEAD_AFTER))

    def differing(self) -> "WorkerQuerySet":
        """One living worker of each host that does not agree with this process."""
        is_other = Q(clock_ahead__gt=CLOCK_LIMIT) | Q(clock_ahead__lt=-CLOCK_LIMIT)
        for name, value in own_traits().items():
            is_other |= ~Q(**{name: value})
        firsts = self.alive().filter(is_other).order_by().values("host").annotate(first=Min("pk"))
        return self.filter(pk__in=firsts.values("first")).order_by("host")

    def cut_off(self) -> "WorkerQuerySet":
        """Those that cannot use the queue; they end their runs and take no other."""
        return self.alive().exclude(queue_error="")

    def see(
        self, name: str, process_id: int, *, clock_ahead: float = 0.0, queue_error: str = ""
    ) -> None:
        """Record a heartbeat of the worker `name`, which runs on this host.

        `queue_error` says why it cannot use the queue, if so.
        """
        now = clock.now()
        seen = {"seen_at": now, "clock_ahead": clock_ahead, "queue_error": queue_error[:300]}
        if not self.filter(name=name).update(**seen):
            own = {"host": host_name(), **own_traits(), "started_at": now, "process_id": process_id}
            self.update_or_create(name=name, defaults=seen, create_defaults={**seen, **own})

    def shares_of(self, name: str) -> tuple[int, int]:
        """Among how many living workers `name` divides duties: of all hosts, and of its own.

        1 for the oldest, which does every duty at its full pace.
        """
        living = list(self.alive().order_by("pk").values_list("name", "host"))
        here = [one for one, host in living if host == host_name()]
        return _share([one for one, _host in living], name), _share(here, name)

    def prune_stalled(self) -> None:
        now = clock.now()
        recent = (now - timedelta(days=1), now + DEAD_AFTER)
        self.exclude(seen_at__range=recent).delete()


def _share(names: list[str], own: str) -> int:
    return 1 if not names or names[0] == own else len(names)


class Worker(models.Model):
    """A worker process; it renews its row every few seconds."""

    name = models.CharField(max_length=100, unique=True)
    process_id = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    # The database has the defaults too: workers of the version before go on during an upgrade.
    host = models.CharField(max_length=100, blank=True, default="", db_default="")
    version = models.CharField(max_length=30, blank=True, default="", db_default="")
    secret_key_mark = models.CharField(max_length=16, blank=True, default="", db_default="")
    encryption_keys_mark = models.CharField(max_length=16, blank=True, default="", db_default="")
    # Seconds by which its host's clock is ahead of the database's.
    clock_ahead = models.FloatField(default=0.0, db_default=0.0)
    # Why it could not use the queue at its last heartbeat.
    queue_error = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
