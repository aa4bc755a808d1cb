"""A real worker process: it executes runs, ends on SIGTERM, and recovers after SIGKILL."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import pytest
from django.utils import timezone

from exports.demo.answers import Request
from exports.demo.server import StandIn
from exports.models import LedgerEntry, Run, Task, Worker
from exports.workers import jobs, recovery
from tests.conftest import MakeTask
from tests.pipeline.outcomes import (
    aftermath,
    exported_versions,
    is_page,
    log_of,
    page_requests,
    safe_failure,
    unclaimed_files,
    versions_in,
)
from tests.processes import worker_process

pytestmark = pytest.mark.django_db(transaction=True)

Process = subprocess.Popen[bytes]


def wait_until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def is_over(run: Run) -> bool:
    return not fresh(run).is_active


def end(process: Process, number: signal.Signals) -> None:
    """Send the signal and wait until the process is gone.

    How long that takes is measured by `make stress ARGS=stops`, on a quiet machine.
    """
    process.send_signal(number)
    process.wait(120)


def fall_silent(run: Run) -> None:
    """Make the last heartbeat older than the time after which a worker counts as dead."""
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))


@pytest.fixture
def gate(stand_in: StandIn) -> Iterator[Event]:
    """Pages after the fifth are held back until this is set, so that no run ends early."""
    opened = Event()

    def hold(request: Request) -> None:
        if is_page(request) and len(page_requests(stand_in)) > 5:
            opened.wait()

    stand_in.on_request(hold)
    yield opened
    opened.set()


@pytest.fixture
def slow_run(make_task: MakeTask, gate: Event) -> Run:
    """A queued run of 24 pages, one at a time, that waits at the gate."""
    task = make_task(page_size=5)
    task.connection.parallel_requests = 1
    task.connection.save()
    return jobs.queue_run(Task.objects.get(pk=task.pk), Run.Trigger.MANUAL)


def is_in_the_middle(run: Run) -> bool:
    """Whether all pages before the gate are written, so that the worker only waits."""
    return fresh(run).page_count == 5


def test_worker_empties_queue_and_ends_idle(task: Task, stand_in: StandIn) -> None:
    with worker_process() as process:
        run = jobs.queue_run(task, Run.Trigger.MANUAL)
        wait_until(lambda: is_over(run))
        workers = list(Worker.objects.alive().values_list("process_id", flat=True))
        end(process, signal.SIGTERM)

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert workers == [process.pid]
    assert process.returncode == 0
    # A worker that has deregistered is not waited for.
    assert not jobs.any_worker_alive()


def test_sigterm_requeues_the_run(slow_run: Run, stand_in: StandIn, gate: Event) -> None:
    with worker_process() as process:
        wait_until(lambda: is_in_the_middle(slow_run))
        end(process, signal.SIGTERM)
    given_back = fresh(slow_run)
    gate.set()
    with worker_process():
        wait_until(lambda: is_over(slow_run))

    assert (given_back.status, given_back.attempt) == ("queued", 2)
    assert (fresh(slow_run).status, fresh(slow_run).error) == ("succeeded", "")
    assert exported_versions(fresh(slow_run)) == versions_in(stand_in)
    assert LedgerEntry.objects.filter(run_id=slow_run.pk).count() == len(stand_in.store)
    assert unclaimed_files() == ()


def killed_in_the_middle(run: Run) -> None:
    with worker_process() as process:
        wait_until(lambda: is_in_the_middle(run))
        end(process, signal.SIGKILL)
    assert fresh(run).status == "running"
    fall_silent(run)


@pytest.mark.rule("R4")
def test_after_sigkill_a_new_worker_resumes_the_run(
    slow_run: Run, stand_in: StandIn, gate: Event
) -> None:
    killed_in_the_middle(slow_run)
    gate.set()
    had_count = fresh(slow_run).page_count
    stand_in.requests.clear()
    with worker_process():
        wait_until(lambda: is_over(slow_run))

    done = fresh(slow_run)
    assert (done.status, done.error, done.attempt) == ("succeeded", "", 2)
    assert exported_versions(done) == versions_in(stand_in)
    assert len(page_requests(stand_in)) == 25 - had_count
    assert unclaimed_files() == ()


@pytest.mark.rule("R4")
def test_after_sigkill_unresumable_run_is_closed(
    slow_run: Run, stand_in: StandIn, gate: Event
) -> None:
    Run.objects.filter(pk=slow_run.pk).update(can_resume=False)
    killed_in_the_middle(slow_run)
    gate.set()
    with worker_process():
        wait_until(lambda: is_over(slow_run))
        wait_until(lambda: unclaimed_files() == ())
        again = jobs.queue_run(slow_run.task, Run.Trigger.MANUAL)
        wait_until(lambda: is_over(again))

    assert aftermath(fresh(slow_run)).status == "failed"
    assert "stopped answering" in fresh(slow_run).error
    assert "stopped answering" in log_of(slow_run, "error")
    assert exported_versions(fresh(again)) == versions_in(stand_in)


@pytest.mark.rule("R3")
def test_run_that_kills_workers_is_parked(slow_run: Run, stand_in: StandIn) -> None:
    Run.objects.filter(pk=slow_run.pk).update(stalled_count=2)
    killed_in_the_middle(slow_run)
    recovery.recover(is_thorough=True)

    assert aftermath(fresh(slow_run)) == safe_failure(slow_run)
    assert "parked" in fresh(slow_run).error


@pytest.mark.rule("R3")
def test_frozen_worker_publishes_nothing(slow_run: Run, stand_in: StandIn, gate: Event) -> None:
    Run.objects.filter(pk=slow_run.pk).update(can_resume=False)
    with worker_process() as process:
        wait_until(lambda: is_in_the_middle(slow_run))
        process.send_signal(signal.SIGSTOP)
        fall_silent(slow_run)
        recovery.recover()
        closed = fresh(slow_run)
        gate.set()
        other = jobs.queue_run(slow_run.task, Run.Trigger.MANUAL)
        process.send_signal(signal.SIGCONT)
        # The same worker takes the next run, so by then it has released the first.
        wait_until(lambda: is_over(other))
        recovery.recover(is_thorough=True)

    assert closed.status == fresh(slow_run).status == "failed"
    assert fresh(slow_run).error == closed.error
    assert fresh(slow_run).file_path == ""
    assert exported_versions(fresh(other)) == versions_in(stand_in)
    assert unclaimed_files() == ()


def test_two_workers_share_runs_without_overlap(make_task: MakeTask, stand_in: StandIn) -> None:
    tasks = [make_task(name=f"T{n}", output_file=f"t{n}.xml") for n in range(6)]
    runs = [jobs.queue_run(task, Run.Trigger.MANUAL) for task in tasks]
    with worker_process(), worker_process():
        wait_until(lambda: all(is_over(run) for run in runs))

    assert [fresh(run).status for run in runs] == ["succeeded"] * 6
    assert len(page_requests(stand_in)) == 6 * 6
    assert unclaimed_files() == ()
