"""The numbers of runs: a file's name holds its run's, so none is given twice (rule B3)."""

from typing import Final

from django.db import connections, models

_TABLE: Final = "exports_run"


def reserve_numbers(manager: "models.Manager[models.Model]", up_to: int) -> None:
    """Let the next run have a higher number than `up_to`; never lowers it."""
    connection = connections[manager.db]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [up_to, _TABLE]
            )
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT %s, %s "
                "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
                [_TABLE, up_to, _TABLE],
            )
        else:
            cursor.execute(
                "SELECT setval(s.name, greatest(%s, nextval(s.name))) "
                "FROM (SELECT pg_get_serial_sequence(%s, 'id') AS name) s",
                [up_to, _TABLE],
            )
