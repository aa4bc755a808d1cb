from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.commands import migrate
from django.db import Error, connection, connections

from exports.housekeeping.free_space import begin_shrinking
from exports.management.new_database import make_tables
from exports.workers.start_lock import alone

# With these somebody wants one migration, or none at all.
_BY_HAND = ("app_label", "migration_name", "plan", "check_unapplied", "fake", "prune")


class Command(migrate.Command):
    """Django's own, alone on its database; first it decides how a new SQLite file is laid out."""

    def handle(self, *args: Any, **options: Any) -> None:
        with alone(self.stderr.write), _time_between_statements():
            begin_shrinking()
            if not any(options.get(name) for name in _BY_HAND):
                make_tables(connections[options["database"]])
            super().handle(*args, **options)


@contextmanager
def _time_between_statements() -> Iterator[None]:
    """A slow machine computes for longer than the server waits within a worker's transaction."""
    if connection.vendor != "postgresql":
        yield
        return
    _execute("SET idle_in_transaction_session_timeout = '10min'")
    try:
        yield
    finally:
        # A connection that is lost has lost the setting as well.
        with suppress(Error):
            _execute("RESET idle_in_transaction_session_timeout")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
