"""One tick: with 10,000 schedules of which none is due, and with 1,000 due in one minute.

Prints one JSON line: queries and milliseconds in the database without any due, and the seconds
until all due ones are queued, by the clock and by this process's processor time.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from exports.models import Connection, Run, Schedule, Task  # noqa: E402
from exports.schedules.cron import parse, zone_named  # noqa: E402
from exports.schedules.ticking import tick  # noqa: E402
from exports.workers.jobs import queue_scheduled  # noqa: E402

SCHEDULES, DUE, TICKS = 10_000, 1_000, 25
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NIGHTLY, _ZONE = "30 6 * * *", "Europe/Berlin"


def main() -> None:
    # A database that was named is empty; the folder's own has all tables.
    call_command("migrate", verbosity=0, interactive=False)
    _seed()
    quiet = [_quiet_tick() for _ in range(TICKS)]
    next_due_at = Schedule.objects.earliest("next_due_at").next_due_at
    assert next_due_at is not None
    began, used = time.perf_counter(), time.process_time()
    tick(next_due_at + timedelta(seconds=1), queue_scheduled)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    assert Run.objects.queued().exclude(enqueued_at=None).count() == DUE
    figures: dict[str, Any] = {
        "queries": max(count for count, _ms in quiet),
        "ms": median(ms for _count, ms in quiet),
        "seconds": seconds,
        "processor": used,
    }
    print(json.dumps(figures))


def _seed() -> None:
    """A task for each that will be due; the others are due on another day."""
    site = Connection(name="Acme", site="https://na.myconnectwise.net", company="a", public_key="A")
    site.write_private_key("pK-9z")
    site.save()
    zone = zone_named(_ZONE)
    soon = parse(_NIGHTLY).next_after(zone, _NOW)
    later = parse(_NIGHTLY).next_after(zone, _NOW + timedelta(days=2))
    tasks = [
        Task.objects.create(name=f"Task {n}", connection=site, output_file=f"{n}.xml")
        for n in range(DUE)
    ]
    Schedule.objects.bulk_create(
        Schedule(
            task=tasks[n % DUE],
            cron=_NIGHTLY,
            zone=_ZONE,
            next_due_at=soon if n < DUE else later,
            planned_at=_NOW,
        )
        for n in range(SCHEDULES)
    )
    # As the database does by itself some time after so many rows.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _quiet_tick() -> tuple[int, float]:
    """Queries, and the milliseconds from the first to the last."""
    with CaptureQueriesContext(connection) as captured:
        tick(_NOW, queue_scheduled)
    taken = sum(float(query["time"]) for query in captured.captured_queries)
    return len(captured), 1000 * taken


if __name__ == "__main__":
    main()
