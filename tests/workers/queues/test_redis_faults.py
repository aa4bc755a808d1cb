"""Redis forgets, stands still, refuses or is away: no run is lost, none happens twice (rule Q2)."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from logging import LogRecord

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from exports.demo.server import StandIn
from exports.housekeeping import isolation
from exports.models import Run, Task, Worker
from exports.workers import jobs, recovery
from exports.workers.queues.redis_engine import RedisEngine
from exports.workers.start_checks import StartError, check_queue
from tests.conftest import MakeTask
from tests.pipeline.outcomes import exported_versions, page_requests, versions_in
from tests.processes import worker_process
from tests.workers.processes import fresh, queue
from tests.workers.queues.redis_server import RedisServer
from tests.workers.test_worker import end, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Process = subprocess.Popen[bytes]


@pytest.fixture
def worker(broker: RedisServer) -> Iterator[Process]:
    """A worker that waits for jobs from this Redis."""
    with worker_process() as process:
        wait_until(lambda: Worker.objects.alive().exists())
        yield process
        broker.resume()


def is_cut_off() -> bool:
    return Worker.objects.cut_off().exists()


def has_succeeded(*runs: Run) -> Callable[[], bool]:
    return lambda: all(fresh(run).status == Run.Status.SUCCEEDED for run in runs)


def was_exported_once(run: Run, stand_in: StandIn) -> bool:
    """One attempt that fetched each page once: 120 batches in pages of 25, and one to end."""
    once = (fresh(run).attempt, len(page_requests(stand_in))) == (1, 6)
    return once and exported_versions(fresh(run)) == versions_in(stand_in)


@pytest.mark.rule("Q2")
def test_emptied_redis_loses_no_run(broker: RedisServer, task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    broker.forget()
    with worker_process():
        # Nothing but time and the worker's own recovery: within a minute on a quiet machine.
        wait_until(has_succeeded(run), 300)

    assert was_exported_once(run, stand_in)


@pytest.mark.rule("Q2")
def test_restarted_redis_loses_no_run(
    broker: RedisServer, worker: Process, task: Task, stand_in: StandIn
) -> None:
    broker.kill()
    wait_until(is_cut_off)
    run = queue(task)
    assert fresh(run).enqueued_at is None
    broker.start()
    wait_until(has_succeeded(run), 300)
    wait_until(lambda: not is_cut_off())

    assert was_exported_once(run, stand_in)
    assert worker.poll() is None


@pytest.mark.rule("Q2", "Q3")
def test_paused_redis_stops_no_running_run(
    broker: RedisServer, worker: Process, make_task: MakeTask, stand_in: StandIn
) -> None:
    going, later = make_task(), make_task(name="Later", output_file="later.xml")
    stand_in.on_request(lambda request: broker.pause() if page_requests(stand_in) else None)
    first = queue(going)
    # It goes on without the queue, and its end is recorded.
    wait_until(has_succeeded(first), 300)
    second = queue(later)
    wait_until(is_cut_off)
    assert fresh(second).status == Run.Status.QUEUED
    stand_in.on_request(lambda request: None)
    broker.resume()
    wait_until(has_succeeded(second), 300)

    assert [fresh(run).attempt for run in (first, second)] == [1, 1]
    assert len(page_requests(stand_in)) == 2 * 6


def test_worker_ends_while_redis_is_paused(broker: RedisServer, worker: Process) -> None:
    broker.pause()
    wait_until(is_cut_off)
    end(worker, signal.SIGTERM)

    assert worker.returncode == 0
    assert not Worker.objects.exists()


@pytest.mark.rule("Q2")
def test_changed_password_loses_no_run(
    broker: RedisServer, worker: Process, task: Task, stand_in: StandIn, settings: Settings
) -> None:
    broker.change_password("another-one-Qz9Lm")
    try:
        wait_until(is_cut_off)
        error = Worker.objects.cut_off().get().queue_error
        run = queue(task)
        with pytest.raises(StartError, match="refuses the user or the password"):
            check_queue()
        # Whoever starts with the new one works.
        with worker_process(CWEXPORT_QUEUE=broker.url):
            wait_until(has_succeeded(run), 300)
    finally:
        broker.change_password("")

    assert "refuses the user or the password" in error
    assert was_exported_once(run, stand_in)


@pytest.mark.rule("Q2")
def test_run_now_without_redis_waits(
    broker: RedisServer, admin_client: Client, task: Task, stand_in: StandIn
) -> None:
    broker.kill()
    Worker.objects.see("one", 1)
    answer = admin_client.post(f"/tasks/{task.pk}/run/", follow=True)
    run = Run.objects.get()
    home = admin_client.get("/")
    ready = admin_client.get("/readyz")

    assert answer.status_code == 200
    assert "This run waits for the queue: Redis at redis://127.0.0.1" in answer.text
    assert "Runs wait, and start within a minute after that is mended." in home.text
    assert ready.json()["checks"]["queue"] == "failed"
    broker.start()
    with worker_process():
        wait_until(has_succeeded(run), 300)
    assert was_exported_once(run, stand_in)
    assert "Out of reach" not in admin_client.get("/").text


def test_many_runs_wait_once_for_redis(
    broker: RedisServer, engine: RedisEngine, make_task: MakeTask
) -> None:
    engine.see()
    broker.pause()
    runs = [queue(make_task(name=f"T{n}", output_file=f"t{n}.xml")) for n in range(30)]
    broker.resume()

    assert [fresh(run).status for run in runs] == [Run.Status.QUEUED] * 30
    # Only few of them asked: the others knew.
    assert fresh(runs[-1]).enqueued_at is None
    wait_until(lambda: engine.problem() is None)
    jobs.enqueue_lost(Run.objects.queued())
    assert engine.waiting() == {(run.pk, 1) for run in runs}


def test_log_tells_once_what_ails_redis(
    broker: RedisServer, engine: RedisEngine, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    isolation._reported.clear()
    engine.see()
    run = queue(task)
    Run.objects.filter(pk=run.pk).update(enqueued_at=timezone.now() - timedelta(minutes=1))
    broker.kill()
    for _ in range(3):
        recovery.recover()
        jobs.enqueue_unblocked()
    broker.start()

    lines = [line for line in map(LogRecord.getMessage, caplog.records) if "Redis" in line]
    assert lines
    assert len(lines) == len(set(lines))
