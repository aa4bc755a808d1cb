"""What workers and their recovery do, done by the test itself."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from threading import Barrier, Thread

from django.db import connection as database
from django.utils import timezone

from exports.demo.answers import Request
from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.workers import jobs
from exports.workers.queues.chosen import queue_engine
from tests.conftest import run_now
from tests.pipeline.outcomes import (
    is_page,
)

MANUAL = Run.Trigger.MANUAL


def queue(task: Task) -> Run:
    return jobs.queue_run(Task.objects.get(pk=task.pk), MANUAL)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def at_page(stand_in: StandIn, number: int, do: Callable[[], object]) -> None:
    """Call `do` once, in the server's thread, when page `number` is requested."""
    numbers = count(1)

    def hook(request: Request) -> None:
        if is_page(request) and next(numbers) == number:
            do()
            database.close()

    stand_in.on_request(hook)


def work_off_queue() -> None:
    """Work like a worker until the queue is empty."""
    engine = queue_engine()
    while job := engine.take(0):
        jobs.execute_here(job.run_id, job.attempt)
        engine.done(job)


def fall_silent(run: Run) -> None:
    """Make the last heartbeat of a running run's worker old."""
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))


def abandoned(task: Task) -> Run:
    """A run claimed by a worker that died before its first page."""
    run = queue(task)
    assert run.claim("a worker that died")
    fall_silent(run)
    return fresh(run)


def together(size: int, do: Callable[[int], object]) -> None:
    """Call `do` from this many threads at the same moment, each with its own connection."""
    barrier = Barrier(size)

    def one(number: int) -> None:
        try:
            barrier.wait(120)
            do(number)
        finally:
            database.close()

    threads = [Thread(target=one, args=(number,), daemon=True) for number in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)


def run_elsewhere(task: Task) -> str:
    """The SHA-256 of the same export by another task."""
    twin = Task.objects.create(
        name="Twin", connection=task.connection, export="all", page_size=25, output_file="twin.xml"
    )
    twin.record_typed_dates(None, None)
    return run_now(twin).file_sha256
