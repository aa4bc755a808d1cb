"""Runs of several companies in parallel: one that never answers does not delay the others."""

import socket
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from exports.demo.server import StandIn
from exports.models import Task
from exports.models.codes import Activity
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, make_connection, save_task
from tests.processes import worker_process
from tests.workers.processes import fall_silent, fresh, queue, work_off_queue
from tests.workers.test_worker import is_over, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead_site() -> Iterator[str]:
    """A host that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def dead_companies(stand_in: StandIn, dead_site: str, db: None) -> list[Task]:
    """A task for each of five companies whose hosts never answer."""
    dead = [make_connection(stand_in, name=f"Dead {n}", site=dead_site) for n in range(5)]
    return [
        save_task(one, name=f"Dead {n}", output_file=f"dead-{n}.xml") for n, one in enumerate(dead)
    ]


@pytest.fixture
def dead_tasks(stand_in: StandIn, dead_site: str, db: None) -> list[Task]:
    dead = make_connection(stand_in, name="Dead", site=dead_site)
    return [
        save_task(dead, name=f"Dead {number}", output_file=f"dead-{number}.xml")
        for number in range(3)
    ]


def test_dead_company_blocks_no_other(
    dead_tasks: list[Task], task: Task, admin_client: Client
) -> None:
    dead = [queue(one) for one in dead_tasks]
    healthy = queue(task)
    with worker_process(), worker_process():
        wait_until(lambda: is_over(healthy))
        wait_until(lambda: fresh(dead[2]).waits_for_id is not None)
        page = admin_client.get(reverse("run-detail", args=[dead[2].pk])).content.decode()
        assert [fresh(run).status for run in dead] == ["running", "queued", "queued"]
        fresh(dead[0]).cancel()
        # Now nothing delays the next run.
        wait_until(lambda: fresh(dead[1]).status == "running")
        fresh(dead[1]).cancel()
        wait_until(lambda: fresh(dead[2]).status == "running")

    assert fresh(healthy).status == "succeeded"
    assert f"Waits for Run {dead[0].pk} of Dead 0" in page


@pytest.mark.rule("R3")
def test_many_dead_companies_leave_room_for_others(dead_companies: list[Task], task: Task) -> None:
    dead = [queue(one) for one in dead_companies]
    healthy = queue(task)
    with worker_process() as process:
        wait_until(lambda: is_over(healthy))
        waiting = {fresh(run).status for run in dead}
        process.terminate()
        process.wait(120)

    assert fresh(healthy).status == "succeeded"
    assert waiting == {"running"}
    # A stop gives all of them back.
    assert {(fresh(run).status, fresh(run).attempt) for run in dead} == {("queued", 2)}
    assert process.returncode == 0


def test_checking_a_file_blocks_no_run(make_task: MakeTask) -> None:
    first, second = queue(make_task()), queue(make_task(name="B", output_file="b.xml"))
    assert first.claim("a worker")
    assert second.blocker() == first
    first.progress("a worker", activity=Activity.VALIDATING)

    assert second.blocker() is None


def test_second_run_starts_after_first_answer(make_task: MakeTask, stand_in: StandIn) -> None:
    first, second = queue(make_task()), queue(make_task(name="B", output_file="b.xml"))
    assert first.claim("a worker")
    assert not second.claim("another")
    first.answered("a worker", page_count=1)

    assert second.claim("another")


def test_run_asked_again_lets_no_other_start(make_task: MakeTask) -> None:
    first, second = queue(make_task()), queue(make_task(name="B", output_file="b.xml"))
    assert first.claim("a worker")
    first.answered("a worker", page_count=1)
    first.progress("a worker", answered_at=None)

    assert not second.claim("another")
    assert second.blocker() == first


def test_waiting_run_follows_the_end_of_another(make_task: MakeTask) -> None:
    first, second = queue(make_task()), queue(make_task(name="B", output_file="b.xml"))
    assert first.claim("a worker")
    work_off_queue()
    assert fresh(second).waits_for == first
    first.fail("a worker", "No.")
    jobs.follow_up(fresh(first))
    work_off_queue()

    assert (fresh(second).status, fresh(second).waits_for) == ("succeeded", None)


def test_ghost_blocks_no_other_run(make_task: MakeTask) -> None:
    first, second = queue(make_task()), queue(make_task(name="B", output_file="b.xml"))
    assert first.claim("a worker that died")
    work_off_queue()
    fall_silent(first)
    recovery.recover()
    work_off_queue()

    assert fresh(second).status == "succeeded"
