"""PostgreSQL tells idle workers that a job was put in, so that they need not ask all the time.

What is told can get lost, with the connection or in a pooler between: whoever listens asks all the
same, less often. SQLite tells nothing.
"""

import time
from typing import Any, Final

from django.db import connection

_CHANNEL: Final = "cwexport_queue"


def announce() -> None:
    """Tell all who listen; within a transaction, when it is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {_CHANNEL}")


class Announcements:
    """What is told on this thread's connection to the database."""

    def __init__(self) -> None:
        self._listening: Any = None

    def begin(self) -> bool:
        """Whether listening has just begun, so that something may have been missed before."""
        if connection.vendor != "postgresql":
            return True
        connection.ensure_connection()
        if self._listening is connection.connection:
            return False
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {_CHANNEL}")
        self._listening = connection.connection
        return True

    def wait(self, seconds: float) -> bool:
        """Whether something was told within this time."""
        if connection.vendor != "postgresql":
            time.sleep(seconds)
            return False
        with connection.wrap_database_errors:
            return any(self._listening.notifies(timeout=seconds, stop_after=1))
