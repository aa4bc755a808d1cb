"""Workers of one installation and what they take: prints one JSON line of figures.

`clicks` presses *Run now* and waits for the first request to ConnectWise; `runs` queues many runs
at once and waits for the last end; `idle` counts what workers without work ask PostgreSQL.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from threading import Event
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection as database  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from exports.demo.account import Account  # noqa: E402
from exports.demo.answers import Request  # noqa: E402
from exports.demo.records import stream_batches  # noqa: E402
from exports.demo.server import StandIn  # noqa: E402
from exports.demo.store import Store  # noqa: E402
from exports.models import Connection, Run, Task, Worker  # noqa: E402
from exports.workers import jobs  # noqa: E402
from tests.benchmarks.processes import ROOT  # noqa: E402

# Of one connection, runs wait for the first answer of another.
_CONNECTIONS = 10
# After their start workers do all of their duties once.
_SETTLED_AFTER = 30.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("clicks", "runs", "idle"))
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="clicks, runs or seconds")
    parser.add_argument("--site", default="")
    options = parser.parse_args()
    measures: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "clicks": _clicks,
        "runs": _runs,
        "idle": _idle,
    }
    print(json.dumps(measures[options.what](options)))


def _clicks(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds from the click on the page to the first request."""
    asked, asked_at = Event(), [0.0]

    def note(_request: Request) -> None:
        if not asked.is_set():
            asked_at[0] = time.monotonic()
            asked.set()

    with StandIn(Store(stream_batches(50))) as stand_in, _workers(options.workers):
        [task] = _tasks(stand_in.url, 1)
        stand_in.on_request(note)
        client = Client(headers={"host": "localhost"})
        client.force_login(User.objects.create_superuser("bench"))
        taken = [_click(client, task, asked, asked_at) for _click_number in range(options.count)]
    taken.sort()
    return {"median": median(taken), "p99": taken[int(len(taken) * 0.99)]}


def _click(client: Client, task: Task, asked: Event, asked_at: list[float]) -> float:
    # At no fixed moment of a worker's round.
    time.sleep(0.3 + 0.137 * (time.monotonic() % 5))
    asked.clear()
    began = time.monotonic()
    answer = client.post(reverse("task-run", args=[task.pk]))
    assert answer.status_code == 302, answer
    assert asked.wait(60)
    taken = 1000 * (asked_at[0] - began)
    _wait_until(lambda: not Run.objects.active().exists())
    return taken


def _runs(options: argparse.Namespace) -> dict[str, Any]:
    """How long queueing takes, and all runs from then on."""
    tasks = _tasks(options.site, options.count)
    with _workers(options.workers):
        began = time.monotonic()
        for task in tasks:
            jobs.queue_run(task, Run.Trigger.MANUAL)
        queued = time.monotonic() - began
        connections = [_connection_count()]

        def is_over() -> bool:
            connections.append(_connection_count())
            return not Run.objects.active().exists()

        _wait_until(is_over, 0.2)
        taken = time.monotonic() - began
    assert Run.objects.succeeded().count() == options.count
    return {
        "queued": queued,
        "seconds": taken,
        "per_minute": 60 * options.count / taken,
        "connections": max(connections),
    }


def _idle(options: argparse.Namespace) -> dict[str, Any]:
    """Transactions a second, of which each query outside of one is one."""
    with _workers(options.workers):
        time.sleep(_SETTLED_AFTER)
        before = _transaction_count()
        time.sleep(options.count)
        after, connections = _transaction_count(), _connection_count()
    return {"per_second": (after - before) / options.count, "connections": connections}


@contextmanager
def _workers(count: int) -> Iterator[None]:
    command = [sys.executable, "manage.py", "worker"]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _worker in range(count)
    ]
    try:
        _wait_until(lambda: Worker.objects.alive().count() == count, 0.2)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _tasks(site: str, count: int) -> list[Task]:
    account = Account()
    connections = []
    for number in range(min(count, _CONNECTIONS)):
        made = Connection(
            name=f"Stand-in {number}",
            site=site,
            company=account.company,
            public_key=account.public_key,
            client_id=account.client_id,
        )
        made.write_private_key(account.private_key)
        made.save()
        connections.append(made)
    return [_task(connections[number % len(connections)], number) for number in range(count)]


def _task(connection: Connection, number: int) -> Task:
    task = Task.objects.create(
        name=f"Task {number}",
        connection=connection,
        export="all",
        page_size=1000,
        output_file=f"{number}.xml",
    )
    task.record_typed_dates(None, None)
    return task


def _transaction_count() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _connection_count() -> int:
    """Without our own; SQLite has none to run out of."""
    if database.vendor == "sqlite":
        return 0
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _wait_until(is_so: Callable[[], bool], every: float = 0.02) -> None:
    deadline = time.monotonic() + 3600
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(every)


if __name__ == "__main__":
    main()
