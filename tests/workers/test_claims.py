"""Who may execute a run, and what a worker that lost its lease may still do (rules R1, R3)."""

from collections.abc import Callable
from itertools import count

import pytest
from django.db import connection as database

from exports.demo.answers import Request
from exports.demo.server import StandIn
from exports.models import LeaseLostError, Run, Task
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import (
    is_proof,
    unclaimed_files,
)
from tests.workers.processes import at_page, fall_silent, fresh, queue, together, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_claims_one_wins(task: Task) -> None:
    run = queue(task)
    first, second = fresh(run), fresh(run)

    assert [first.claim("one"), second.claim("two")] == [True, False]
    assert (fresh(run).owner, fresh(run).status) == ("one", "running")


@pytest.mark.rule("R3")
def test_of_twenty_claims_at_once_one_wins(task: Task) -> None:
    run = queue(task)
    won: list[str] = []

    def claim(number: int) -> None:
        if fresh(run).claim(f"worker {number}"):
            won.append(f"worker {number}")

    together(20, claim)

    assert [fresh(run).owner] == won


def test_the_job_of_a_stale_attempt_does_nothing(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    assert run.claim("first")
    run.requeue("first")
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).attempt) == ("queued", 2)
    assert list(stand_in.requests) == []


def test_a_job_delivered_twice_executes_once(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    first = fresh(run)
    asked_count = len(stand_in.requests)
    jobs.execute_here(run.pk, 1)

    assert first.status == "succeeded"
    assert fresh(run).file_sha256 == first.file_sha256
    assert len(stand_in.requests) == asked_count
    assert unclaimed_files() == ()


def test_worker_that_lost_run_changes_nothing(task: Task) -> None:
    run = queue(task)
    assert run.claim("old")
    Run.objects.filter(pk=run.pk).update(owner="new")

    verbs: tuple[Callable[[], None], ...] = (
        lambda: run.progress("old", page_count=5),
        lambda: run.fail("old", "No."),
        lambda: run.finish_cancelled("old"),
        lambda: run.requeue("old"),
        lambda: run.succeed("old", batch_count=1, file_path="x", file_sha256="y"),
    )
    for verb in verbs:
        with pytest.raises(LeaseLostError):
            verb()
    assert not run.renew("old")
    assert (fresh(run).status, fresh(run).owner, fresh(run).page_count) == ("running", "new", 0)


@pytest.mark.parametrize("page", [1, 3, 6])
@pytest.mark.rule("R3")
def test_a_worker_that_lost_the_run_publishes_nothing(
    task: Task, stand_in: StandIn, page: int
) -> None:
    run = queue(task)
    at_page(stand_in, page, lambda: Run.objects.filter(pk=run.pk).update(owner="another"))
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).owner) == ("running", "another")
    assert [name for name in unclaimed_files() if not name.endswith(".part")] == []
    assert task.date_changes.filter(run_id=run.pk).count() == 0


def test_run_lost_during_check_publishes_nothing(task: Task, stand_in: StandIn) -> None:
    run = queue(task)

    numbers = count(1)

    def lose(request: Request) -> None:
        if is_proof(request) and next(numbers) == 1:
            Run.objects.filter(pk=run.pk).update(owner="another")
            database.close()

    stand_in.on_request(lose)
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).owner) == ("running", "another")
    assert [name for name in unclaimed_files() if not name.endswith(".part")] == []
    fall_silent(run)
    recovery.recover()
    jobs.execute_here(run.pk, fresh(run).attempt)
    assert fresh(run).status in {"succeeded", "failed"}
    assert run_now(task).status == "succeeded"
    recovery.recover()
    assert unclaimed_files() == ()


def test_a_task_is_queued_once(task: Task) -> None:
    run = queue(task)

    with pytest.raises(RunActiveError) as caught:
        queue(task)

    assert caught.value.run == run
    assert str(caught.value) == f"Run {run.pk} of Nightly batches is already queued."


def test_a_task_that_runs_is_not_queued(task: Task) -> None:
    run = queue(task)
    assert run.claim("one")

    with pytest.raises(RunActiveError, match="already running"):
        queue(task)


@pytest.mark.rule("R1")
def test_twenty_clicks_at_once_make_one_run(task: Task) -> None:
    outcomes: list[str] = []

    def click(number: int) -> None:
        try:
            queue(task)
        except RunActiveError as error:
            outcomes.append(f"active {error.run.pk}")
        else:
            outcomes.append("queued")

    together(20, click)

    run = Run.objects.get()
    assert sorted(outcomes) == sorted([f"active {run.pk}"] * 19 + ["queued"])
    work_off_queue()
    assert fresh(run).status == "succeeded"


def test_a_disabled_or_archived_task_is_not_queued(make_task: MakeTask) -> None:
    disabled = make_task(enabled=False)
    archived = make_task(name="Old", output_file="old.xml")
    archived.archive()

    for task, reason in ((disabled, "disabled"), (archived, "archived")):
        with pytest.raises(TaskUnusableError, match=reason):
            queue(task)
    assert Run.objects.count() == 0
