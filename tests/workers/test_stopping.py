"""Cancel and shutdown take effect soon, and nothing is lost by them (rules R1, H4)."""

import pytest

from exports.connectwise.http.client import Limits, RetryPolicy
from exports.demo import wires
from exports.demo.answers import LIST, Request
from exports.demo.faults import Sending, Status
from exports.demo.server import StandIn
from exports.models import LedgerEntry, Run, Task
from exports.pipeline import lease, runner
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_versions,
    is_page,
    page_requests,
    unclaimed_files,
    versions_in,
)
from tests.workers.processes import at_page, fresh, queue, run_elsewhere, together, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_queued_run_is_cancelled_at_once(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    assert run.cancel()
    work_off_queue()

    assert (fresh(run).status, fresh(run).finished_at is not None) == ("cancelled", True)
    assert list(stand_in.requests) == []
    assert not fresh(run).cancel()


def cancelled_at_page(run: Run, stand_in: StandIn, number: int) -> Run:
    """Execute the run and cancel it from outside when it requests that page.

    How soon it stops is measured by `make stress ARGS=cancels`, on a quiet machine.
    """
    at_page(stand_in, number, lambda: fresh(run).cancel())
    together(1, lambda _number: jobs.execute_here(run.pk, run.attempt))
    return fresh(run)


def test_running_run_is_cancelled_between_pages(make_task: MakeTask, stand_in: StandIn) -> None:
    # Pages so slow that the run would otherwise take half a minute.
    stand_in.latency = 0.2
    run = queue(make_task(page_size=1))
    cancelled = cancelled_at_page(run, stand_in, 3)

    assert aftermath(cancelled).status == "cancelled"
    assert unclaimed_files() == ()
    assert run.task.date_changes.filter(run_id=run.pk).count() == 0
    stand_in.latency = 0
    assert exported_versions(run_now(run.task)) == versions_in(stand_in)


@pytest.mark.rule("H4")
def test_cancel_is_obeyed_inside_a_wait(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(min_wait=3600))
    stand_in.faults.add(Status(503, on=(LIST,), when=is_page, after=1))

    assert cancelled_at_page(queue(task), stand_in, 2).status == "cancelled"
    assert unclaimed_files() == ()


def test_cancel_works_while_server_is_silent(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIMITS", Limits(connect=3600, read=3600, total=3600))
    stand_in.faults.add(Sending(wires.never_answer, on=(LIST,), when=is_page, after=1))

    assert cancelled_at_page(queue(task), stand_in, 2).status == "cancelled"
    assert unclaimed_files() == ()


@pytest.mark.parametrize("can_resume", [True, False])
@pytest.mark.parametrize("page", [1, 3])
def test_shutdown_requeues_and_next_attempt_completes(
    make_task: MakeTask, stand_in: StandIn, page: int, can_resume: bool
) -> None:
    task = make_task(can_resume_from_failure=can_resume)
    at_page(stand_in, page, lease.shutdown.set)
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    given_back = fresh(run)
    lease.shutdown.clear()

    work_off_queue()
    recovery.recover()

    assert (given_back.status, given_back.attempt, given_back.owner) == ("queued", 2, "")
    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert LedgerEntry.objects.filter(run_id=run.pk).count() == len(stand_in.store)
    assert unclaimed_files() == ()


def test_repeatedly_interrupted_run_completes(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    uninterrupted = run_elsewhere(task)

    def interrupt(request: Request) -> None:
        if is_page(request) and len(page_requests(stand_in)) % 2 == 0:
            lease.shutdown.set()

    stand_in.on_request(interrupt)
    for _ in range(12):
        lease.shutdown.clear()
        jobs.execute_here(run.pk, fresh(run).attempt)
        if not fresh(run).is_active:
            break

    assert fresh(run).status == "succeeded"
    assert fresh(run).file_sha256 == uninterrupted
    assert fresh(run).fetched_count == fresh(run).batch_count == len(stand_in.store)
