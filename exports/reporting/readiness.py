"""Whether this installation can export: its database, its tables, workers, and the queue."""

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from exports.models import Worker
from exports.workers.queues.chosen import queue_engine


def read_readiness() -> dict[str, bool]:
    """For each check whether it is met; one that cannot be made is not."""
    checks = {
        "database": _has_database,
        "migrations": _is_migrated,
        "worker": _has_worker,
        "queue": _has_queue,
    }
    found: dict[str, bool] = {}
    for name, check in checks.items():
        try:
            # Without a database the others would only wait for it again.
            found[name] = found.get("database", True) and check()
        except DatabaseError:
            found[name] = False
    return found


def _has_database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _is_migrated() -> bool:
    return _known_migrations() <= set(MigrationRecorder(connection).applied_migrations())


def _has_worker() -> bool:
    return Worker.objects.alive().exists()


def _has_queue() -> bool:
    return queue_engine().problem(is_asked=True) is None


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those of this version; read from the disk once."""
    return frozenset(MigrationLoader(None).graph.nodes)
