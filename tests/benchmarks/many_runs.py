"""A history of any length in an empty database, written in bulk, as after a busy year."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from exports.models import Connection, DateChange, Run, RunSummary, Task, Worker

TASKS = 20
LINES_A_RUN = 10
_PORTION = 5_000
_APART = timedelta(minutes=5)
# In a hundred runs: most without a batch, as a task that runs often finds nothing new.
_KINDS: Final = (
    ["succeeded"] * 35 + ["empty"] * 50 + ["failed"] * 8 + ["suspicious"] * 4 + ["cancelled"] * 3
)
_TRIGGERS: Final = ("manual", "command", "command", "failure", "reexport")


def seed(run_count: int, entry_count: int) -> None:
    """`run_count` finished runs, 10 log lines each, and a ledger of the first task."""
    with transaction.atomic():
        users = [User.objects.create(username=f"user-{number}") for number in range(3)]
        tasks = _tasks(_connection())
        in_portions(Run, runs_of(tasks, users, run_count))
        RunSummary.objects.add_missing()
        _write_lines(run_count)
        in_portions(DateChange, _moves(run_count))
        _write_entries(tasks[0], entry_count)
        busy = tasks[-1].queue_run(Run.Trigger.MANUAL, users[0])
        busy.claim("worker-1")
        Worker.objects.see("worker-1", 1)


def _connection() -> Connection:
    made = Connection(
        name="Acme", site="https://na.myconnectwise.net", company="acme", public_key="AbCdEf"
    )
    made.write_private_key("pK-9z")
    made.save()
    return made


def _tasks(connection: Connection) -> list[Task]:
    made = []
    for number in range(TASKS):
        task = Task.objects.create(
            name=f"Task {number}", connection=connection, output_file=f"{number}.xml"
        )
        task.record_typed_dates(None, None)
        made.append(task)
    return made


def runs_of(tasks: list[Task], users: list[User], count: int) -> Iterator[Run]:
    begun = timezone.now() - count * _APART
    for number in range(count):
        task = tasks[number % len(tasks)]
        # One kind for each round of the tasks, so that every task has runs of every kind.
        kind = _KINDS[(number // len(tasks) * 37 + number) % len(_KINDS)]
        trigger = _TRIGGERS[number % len(_TRIGGERS)]
        started_at = begun + number * _APART
        yield Run(
            task=task,
            task_name=task.name,
            connection_id=task.connection_id,
            trigger=trigger,
            requested_by=users[number % 3] if trigger in ("manual", "reexport") else None,
            site="https://na.myconnectwise.net",
            company="acme",
            public_key="AbCdEf",
            export=task.export,
            date_created_before=task.date_created,
            date_modified_before=task.date_modified,
            page_size=task.page_size,
            output_file=task.output_file,
            queued_at=started_at - timedelta(seconds=1),
            started_at=started_at,
            finished_at=started_at + timedelta(seconds=2 + number % 97),
            modified_after=started_at,
            request_sent="lastUpdated > [2026-01-31T14:51:00Z] and id > 0",
            window_reason="15 minutes before the date, so that late arrivals are not lost.",
            **_outcome(kind, number, started_at),
        )


def _outcome(kind: str, number: int, started_at: datetime) -> dict[str, Any]:
    if kind == "failed":
        return {"status": "failed", "error": "ConnectWise answered 503 five times. Try later."}
    if kind == "cancelled":
        return {"status": "cancelled"}
    batch_count = 1 + number * 7 % 2_000 if kind == "succeeded" else 0
    return {
        "status": "succeeded",
        "suspicion": "ConnectWise shows no batches at all." if kind == "suspicious" else "",
        "batch_count": batch_count,
        "fetched_count": batch_count,
        "expected_count": batch_count,
        "proven_count": batch_count,
        "page_count": 1 + batch_count // 100,
        "connectwise_started_at": started_at,
        "date_modified_after": started_at,
        "file_path": f"runs/{number}.xml",
        "file_name": "batches.xml",
        "file_size": 180 + 420 * batch_count,
        "file_sha256": f"{number:064x}",
    }


def _write_lines(run_count: int) -> None:
    first_id = Run.objects.earliest("id").pk
    rows = (
        (first_id + number, "2026-01-31 14:51:00", "info", f"Page {page} fetched.")
        for number in range(run_count)
        for page in range(LINES_A_RUN)
    )
    _execute(
        "INSERT INTO exports_runlogentry (run_id, logged_at, level, message) VALUES (%s,%s,%s,%s)",
        rows,
    )


def _moves(run_count: int) -> Iterator[DateChange]:
    """Each success moved the date of its task (W2)."""
    found = Run.objects.succeeded().order_by("id").values_list("id", "task_id", "started_at")
    return (
        DateChange(
            task_id=task_id,
            field="date_modified",
            origin="run",
            date_before=started_at,
            date_after=started_at,
            run_id=run_id,
        )
        for run_id, task_id, started_at in list(found)
    )


def _write_entries(task: Task, count: int) -> None:
    """One entry for each batch, the same number in each of the task's successes."""
    found = Run.objects.succeeded().filter(task=task).order_by("id").values_list("id", flat=True)
    runs = list(found)
    rows = (
        (task.pk, runs[number * len(runs) // count], 1 + number, "2026-01-31", f"{number:032x}")
        for number in range(count)
    )
    _execute(
        "INSERT INTO exports_ledgerentry (task_id, run_id, batch_id, last_updated, content_hash) "
        "VALUES (%s,%s,%s,%s,%s)",
        rows,
    )


def _execute(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    # Creating a model object for each of a million rows would take a minute.
    with database.cursor() as cursor:
        cursor.executemany(statement, rows)


def in_portions(model: Any, rows: Iterable[Any]) -> None:
    # In portions, as bulk_create turns all rows into a list first.
    rows = iter(rows)
    while portion := list(islice(rows, _PORTION)):
        model.objects.bulk_create(portion)
