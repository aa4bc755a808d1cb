"""What dead workers leave is resumed, closed or removed (rules R4, O2 to O4)."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from exports.delivery.sending import send_due
from exports.demo.server import StandIn
from exports.models import Delivery, LedgerEntry, Run, Task
from exports.storage import files
from exports.storage.folders import folder_for
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.delivery.deliveries import retry_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    exported_versions,
    log_of,
    page_requests,
    safe_failure,
    unclaimed_files,
    versions_in,
)
from tests.run_files import manifest_file, run_file
from tests.workers.processes import (
    abandoned,
    at_page,
    fall_silent,
    fresh,
    queue,
    run_elsewhere,
    together,
    work_off_queue,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_run_is_closed_with_the_reason(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task()
    run = abandoned(task)
    Run.objects.filter(pk=run.pk).update(can_resume=False)
    files.part_file(run).write_text("<half")
    recovery.recover()

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "stopped answering" in fresh(run).error
    assert "stopped answering" in log_of(run, "error")
    assert exported_versions(run_now(task)) == versions_in(stand_in)


@pytest.mark.rule("R4")
@pytest.mark.parametrize("left", ["nothing", "another content", "no file"])
def test_run_without_its_part_starts_again(task: Task, stand_in: StandIn, left: str) -> None:
    """As after the loss of a host: the part file is not within reach of the next worker."""
    whole = run_elsewhere(task)
    run = queue(task)
    at_page(stand_in, 4, lambda: Run.objects.filter(pk=run.pk).update(owner="frozen"))
    jobs.execute_here(run.pk, 1)
    fall_silent(run)
    part, before = folder_for("runs") / fresh(run).part_name, fresh(run)
    content = part.read_bytes()
    part.unlink()
    if left == "another content":
        part.write_bytes(content.replace(b"<id>1</id>", b"<id>2</id>"))
    elif left == "no file":
        part.mkdir()
    stand_in.requests.clear()
    recovery.recover()
    work_off_queue()

    done = fresh(run)
    assert (done.status, done.error, done.file_sha256) == ("succeeded", "", whole)
    assert done.attempt == 2
    assert done.connectwise_started_at == before.connectwise_started_at
    assert len(page_requests(stand_in)) >= 4
    assert LedgerEntry.objects.filter(run_id=run.pk).count() == len(stand_in.store)
    assert "within reach" in log_of(done, "info")


@pytest.mark.rule("R4")
def test_run_is_started_three_times_at_most(task: Task) -> None:
    run = queue(task)
    for attempt in (1, 2, 3):
        assert fresh(run).claim(f"a worker that died {attempt}")
        fall_silent(run)
        recovery.recover()

    assert (fresh(run).status, fresh(run).attempt) == ("failed", 3)
    assert fresh(run).error_code == "worker.parked"


def test_a_run_whose_worker_lives_is_left_alone(task: Task) -> None:
    run = queue(task)
    assert run.claim("alive")
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=50))
    part = files.part_file(run)
    part.write_text("<half")
    recovery.recover(is_thorough=True)

    assert (fresh(run).status, fresh(run).owner) == ("running", "alive")
    assert part.exists()


def test_lost_run_obeys_its_cancel(task: Task) -> None:
    run = abandoned(task)
    run.cancel()
    recovery.recover()

    assert fresh(run).status == "cancelled"


def test_lost_run_resumes_from_its_part(task: Task, stand_in: StandIn) -> None:
    whole = run_elsewhere(task)
    run = queue(task)
    stand_in.requests.clear()
    # A worker that lost its lease during the run: it may neither publish nor clean up.
    at_page(stand_in, 4, lambda: Run.objects.filter(pk=run.pk).update(owner="frozen"))
    jobs.execute_here(run.pk, 1)
    fall_silent(run)
    stand_in.requests.clear()
    recovery.recover()
    work_off_queue()

    done = fresh(run)
    assert (done.status, done.error, done.file_sha256) == ("succeeded", "", whole)
    assert done.attempt == 2
    assert len(page_requests(stand_in)) < 6
    assert LedgerEntry.objects.filter(run_id=run.pk).count() == len(stand_in.store)
    assert unclaimed_files() == ()


def test_unqueued_run_is_queued_again(task: Task, stand_in: StandIn) -> None:
    run = task.queue_run(Run.Trigger.MANUAL)
    Run.objects.filter(pk=run.pk).update(queued_at=timezone.now() - timedelta(seconds=11))
    work_off_queue()
    before = fresh(run).status
    recovery.recover()
    work_off_queue()

    assert (before, fresh(run).status) == ("queued", "succeeded")
    assert exported_ids(fresh(run)) == stand_in.store.ids


def test_run_with_lost_job_is_queued_again(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    # A worker was killed between taking the job and claiming the run.
    DBTaskResult.objects.update(status="RUNNING")
    Run.objects.filter(pk=run.pk).update(
        queued_at=timezone.now() - timedelta(seconds=91),
        enqueued_at=timezone.now() - timedelta(seconds=91),
    )
    recovery.recover()
    work_off_queue()

    assert fresh(run).status == "succeeded"


def test_recovery_from_twenty_processes_at_once_decides_once(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    run = abandoned(make_task(on_failure_task=other))
    Run.objects.filter(pk=run.pk).update(can_resume=False)
    together(20, lambda number: recovery.recover())

    assert fresh(run).status == "failed"
    assert run.log_entries.filter(level="error").count() == 1
    assert other.runs.count() == 1


@pytest.mark.rule("O2")
def test_leftovers_go_and_orphans_are_kept(task: Task, data_folder: Path) -> None:
    run = run_now(task)
    runs, orphaned = data_folder / "runs", data_folder / "orphaned"
    (runs / "run-999-1.part").write_text("<half")
    (runs / f"run-{run.pk}-1.part").write_text("<half")
    (runs / "run-998-1-deadbeef.xml").write_text("<whole />")
    (runs / f"run-{run.pk}-1-00000000.xml").write_text("<whole twice />")
    (runs / "notes.txt").write_text("by a person")
    for _ in range(2):
        recovery.recover(is_thorough=True)

    own = [manifest_file(run).name, run_file(run).name]
    assert sorted(path.name for path in runs.iterdir()) == ["notes.txt", *own]
    assert {path.name: path.read_text() for path in orphaned.iterdir()} == {
        "run-998-1-deadbeef.xml": "<whole />",
        f"run-{run.pk}-1-00000000.xml": "<whole twice />",
    }
    assert run_file(run).stat().st_size == run.file_size


def test_second_orphan_replaces_none(data_folder: Path, db: None) -> None:
    for text in ("one", "two"):
        (data_folder / "runs").mkdir(parents=True, exist_ok=True)
        (data_folder / "runs" / "run-998-1-deadbeef.xml").write_text(text)
        recovery.recover(is_thorough=True)

    kept = sorted(path.read_text() for path in (data_folder / "orphaned").iterdir())
    assert kept == ["one", "two"]


def test_unfinished_copy_of_dead_worker_goes(task: Task, data_folder: Path) -> None:
    run_now(task)
    draft = data_folder / "exports" / ".run-1-deadbeef.part"
    draft.write_text("<half")
    two_hours_ago = timezone.now().timestamp() - 7200
    os.utime(draft, (two_hours_ago, two_hours_ago))
    recovery.recover(is_thorough=True)

    assert [path.name for path in (data_folder / "exports").iterdir()] == ["batches.xml"]


@pytest.mark.rule("O4")
def test_failed_copy_is_sent_again(task: Task, data_folder: Path) -> None:
    in_the_way = data_folder / "exports" / "batches.xml"
    in_the_way.mkdir(parents=True)
    run = run_now(task)
    state = run.deliveries.get().state
    in_the_way.rmdir()
    retry_now()

    assert (run.status, state, run.deliveries.get().state) == ("succeeded", "waiting", "delivered")
    assert in_the_way.read_bytes() == run_file(run).read_bytes()
    assert "was not delivered to Export folder yet" in log_of(run, "warning")
    assert unclaimed_files() == ()


def test_late_copy_does_not_replace_newer(task: Task, data_folder: Path, stand_in: StandIn) -> None:
    in_the_way = data_folder / "exports" / "batches.xml"
    in_the_way.mkdir(parents=True)
    older = run_now(task)
    in_the_way.rmdir()
    stand_in.store.delete(stand_in.store.ids[0])
    newer = run_now(task)
    retry_now()

    assert in_the_way.read_bytes() == run_file(newer).read_bytes()
    assert older.deliveries.get().state == "superseded"


def test_stalled_delivery_is_sent_by_another(task: Task, data_folder: Path) -> None:
    run = jobs.queue_run(task, "manual")
    jobs.execute_here(run.pk, 1)
    delivery = run.deliveries.get()
    assert delivery.take("a sender that died")
    Delivery.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    recovery.recover()
    send_due()

    assert run.deliveries.get().state == "delivered"
    assert (data_folder / "exports" / "batches.xml").exists()
