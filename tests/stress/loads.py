"""Many users at once: people who press *Run now*, and writers beside workers."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

from django.db import DatabaseError, connection, transaction

from exports.demo.records import seed_batches
from exports.models import Connection, Run, Task
from exports.models.errors import RunActiveError
from exports.workers import jobs
from tests.stress.kill_points import wait_until
from tests.stress.sample_installation import (
    SampleInstallation,
    kill,
    queue,
    recover,
    run_cleanly,
    start_process,
)


def press_run_now_together(count: int) -> Counter[str]:
    """`count` threads queue a run of one task at the same moment; returns each result."""
    sample = SampleInstallation(seed_batches(30))
    task = sample.add_task("all", 25)
    together = Barrier(count)

    def press() -> str:
        together.wait()
        try:
            queue(task)
            return "queued"
        except RunActiveError:
            return "already running"
        except Exception as error:
            return f"error: {error!r}"
        finally:
            connection.close()

    try:
        with ThreadPoolExecutor(count) as pool:
            outcomes = Counter(pool.map(lambda _: press(), range(count)))
        outcomes["runs"] = Run.objects.filter(task=task).count()
        run = Run.objects.get(task=task)
        jobs.execute_here(run.pk, run.attempt)
        outcomes[Run.objects.get(pk=run.pk).status] += 1
        return outcomes
    finally:
        sample.close()


@dataclass
class LoadTally:
    """The results of writers and workers; `locked_count` must be 0."""

    written_count: int = 0
    run_count: int = 0
    locked_count: int = 0
    other_error_count: int = 0
    slowest_seconds: float = 0.0
    violation_count: int = 0


def write_beside_workers(seconds: float, log: Path, *, writer_count: int = 20) -> LoadTally:
    """Two real workers export while this many threads save tasks and connections."""
    sample = SampleInstallation(seed_batches(200))
    tasks = [sample.add_task("modified", 25) for _ in range(4)]
    log.write_text("")
    workers = [start_process("manage.py", "worker", log=log) for _ in range(2)]
    tally = LoadTally()
    until = time.monotonic() + seconds
    try:
        with ThreadPoolExecutor(writer_count) as pool:
            for outcome in pool.map(lambda n: _write(tasks[n % 4], until), range(writer_count)):
                _add(tally, outcome)
        wait_until(lambda: not Run.objects.active().exists(), seconds=60)
    finally:
        for worker in workers:
            kill(worker)
    tally.locked_count += log.read_text().count("locked")
    tally.run_count = Run.objects.filter(task__in=tasks).count()
    tally.other_error_count += Run.objects.filter(task__in=tasks, status="failed").count()
    for task in tasks:
        recover(run_cleanly(task))
    tally.violation_count = sample.judge_all().violation_count
    sample.close()
    return tally


def _write(task: Task, until: float) -> LoadTally:
    tally = LoadTally()
    actions: tuple[Callable[[Task], object], ...] = (_save_task, _save_connection, _press)
    try:
        while time.monotonic() < until:
            for act in actions:
                _try(act, task, tally)
            time.sleep(0.02)
    finally:
        connection.close()
    return tally


def _try(act: Callable[[Task], object], task: Task, tally: LoadTally) -> None:
    started = time.monotonic()
    try:
        act(task)
        tally.written_count += 1
    except RunActiveError:
        pass
    except DatabaseError as error:
        locked = "locked" in str(error)
        tally.locked_count += locked
        tally.other_error_count += not locked
    tally.slowest_seconds = max(tally.slowest_seconds, time.monotonic() - started)


def _save_task(task: Task) -> None:
    with transaction.atomic():
        fresh = Task.objects.get(pk=task.pk)
        fresh.replace_conditions(())
        fresh.page_size = 25 + (fresh.page_size + 1) % 10
        fresh.save(update_fields=["page_size"])


def _save_connection(task: Task) -> None:
    Connection.objects.get(pk=task.connection_id).save()


def _press(task: Task) -> None:
    queue(task)


def _add(tally: LoadTally, other: LoadTally) -> None:
    tally.written_count += other.written_count
    tally.locked_count += other.locked_count
    tally.other_error_count += other.other_error_count
    tally.slowest_seconds = max(tally.slowest_seconds, other.slowest_seconds)
