from typing import Any

from django.core.management.commands import migrate

from exports.housekeeping.free_space import begin_shrinking
from exports.workers.start_lock import alone


class Command(migrate.Command):
    """Django's own, alone on its database; first it decides how a new SQLite file is laid out."""

    def handle(self, *args: Any, **options: Any) -> None:
        with alone(self.stderr.write):
            begin_shrinking()
            super().handle(*args, **options)
