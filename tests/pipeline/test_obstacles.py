"""Problems with disk, connection and keys; the On Failure Task (R2, R6)."""

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from exports.demo.faults import Status
from exports.demo.server import StandIn
from exports.models import Connection, Run, Task
from exports.storage import files
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_versions,
    log_of,
    safe_failure,
    versions_in,
)
from tests.workers.processes import fresh, queue, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("in_the_way", ["var", "var/runs"])
def test_unwritable_folder_is_a_safe_failure(
    task: Task, stand_in: StandIn, tmp_path: Path, in_the_way: str
) -> None:
    obstacle = tmp_path / in_the_way
    obstacle.parent.mkdir(exist_ok=True)
    obstacle.write_text("a file where the folder belongs")
    run = run_now(task)
    obstacle.unlink()

    assert aftermath(run) == safe_failure(run)
    assert "could not be written" in run.error
    assert exported_versions(run_now(task)) == versions_in(stand_in)


@pytest.mark.rule("O3")
def test_full_disk_is_a_safe_failure(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue(task)
    part = files.part_file(run)
    open_descriptor = os.fdopen

    def on_a_full_disk(descriptor: int, *given: Any, **more: Any) -> Any:
        """The link to the always full device is put in later, as it would be refused at first."""
        if part.exists() and os.fstat(descriptor).st_ino == part.stat().st_ino:
            os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
        return open_descriptor(descriptor, *given, **more)

    monkeypatch.setattr(os, "fdopen", on_a_full_disk)
    jobs.execute_here(run.pk, 1)

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "No space left on device" in fresh(run).error
    assert exported_versions(run_now(task)) == versions_in(stand_in)


@pytest.mark.parametrize("field", ["site", "company", "public_key"])
@pytest.mark.rule("R2")
def test_changed_connection_fails_the_queued_run(task: Task, stand_in: StandIn, field: str) -> None:
    run = queue(task)
    Connection.objects.update(**{field: "https://elsewhere.example.com"})
    jobs.execute_here(run.pk, 1)

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "Stand-in was changed after this run was queued" in fresh(run).error
    assert list(stand_in.requests) == []


@pytest.mark.rule("R2")
def test_private_key_is_read_at_the_start(task: Task, stand_in: StandIn) -> None:
    connection = Connection.objects.get()
    right = connection.private_key_token
    connection.write_private_key("wrong")
    connection.save()
    run = queue(task)
    Connection.objects.update(private_key_token=right)
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")


@pytest.mark.rule("C3")
def test_wrong_encryption_key_is_explained(
    task: Task, stand_in: StandIn, settings: Settings
) -> None:
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "CWEXPORT_ENCRYPTION_KEYS" in run.error
    assert list(stand_in.requests) == []


@pytest.mark.rule("R6")
def test_the_on_failure_task_is_queued_once(make_task: MakeTask, stand_in: StandIn) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    task = make_task(on_failure_task=other)
    run = queue(task)
    with stand_in.faults.on(Status(401)):
        jobs.execute_here(run.pk, 1)
        jobs.execute_here(run.pk, 1)
        recovery.recover()
    work_off_queue()

    assert [r.trigger for r in other.runs.all()] == ["failure"]
    assert other.runs.get().status == "succeeded"
    assert "On Failure Task was queued" in log_of(run)


def test_late_worker_queues_no_second_follow_up(make_task: MakeTask, stand_in: StandIn) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    stand_in.faults.add(Status(401))
    run = run_now(make_task(on_failure_task=other))
    assert other.runs.get().caused_by == run
    stand_in.faults.clear()
    work_off_queue()
    jobs.follow_up(Run.objects.get(pk=run.pk))

    assert other.runs.count() == 1


def test_recovery_queues_a_missed_follow_up(
    make_task: MakeTask,
) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    run = queue(make_task(on_failure_task=other))
    assert run.claim("dead")
    run.fail("dead", "ConnectWise answered 401.")
    for _ in range(2):
        recovery.recover()

    assert [queued.caused_by for queued in other.runs.all()] == [run]


def test_success_and_cancel_queue_no_on_failure_task(make_task: MakeTask) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    task = make_task(on_failure_task=other)
    run_now(task)
    queue(task).cancel()
    work_off_queue()

    assert other.runs.count() == 0


def test_unrunnable_on_failure_task_is_reported(make_task: MakeTask, stand_in: StandIn) -> None:
    other = make_task(name="Tell", output_file="tell.xml", enabled=False)
    task = make_task(on_failure_task=other)
    stand_in.faults.add(Status(401))

    run = run_now(task)

    assert run.status == "failed"
    assert "Tell is disabled" in log_of(run, "warning")
