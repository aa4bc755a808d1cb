"""The file that other programs pick up: always the newest of its task, never another's (O4)."""

from pathlib import Path

import pytest

from exports.delivery.export_folder import copy_to_export_folder
from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.storage import files
from exports.storage.run_log import RunLog
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now

pytestmark = pytest.mark.django_db(transaction=True)


def test_late_copy_does_not_replace_newer_one(make_task: MakeTask, data_folder: Path) -> None:
    task = make_task()
    older, newer = run_now(task), run_now(task)
    Run.objects.filter(pk=older.pk).update(is_copy_pending=True)
    (data_folder / "exports" / "batches.xml").write_bytes(b"newer")
    recovery.recover()

    assert (data_folder / "exports" / "batches.xml").read_bytes() == b"newer"
    assert not Run.objects.filter(is_copy_pending=True).exists()
    assert newer.pk > older.pk


def test_tasks_with_same_name_keep_their_files(make_task: MakeTask, data_folder: Path) -> None:
    first = run_now(make_task(name="X", output_file="batches-{task}.xml"))
    other = make_task(name="Y", output_file="batches-X.xml")
    second = run_now(other)
    run_now(other)

    picked_up = (data_folder / "exports" / "batches-X.xml").read_bytes()
    assert picked_up == files.run_file(first).read_bytes()
    assert second.status == "succeeded"
    assert second.log_entries.filter(message__contains="belongs to X").exists()
    assert not Run.objects.filter(is_copy_pending=True).exists()


def test_successor_of_archived_task_takes_its_file(make_task: MakeTask, data_folder: Path) -> None:
    old = make_task(name="Old")
    run_now(old)
    old.archive()
    run = run_now(make_task(name="New", page_size=50, include_extra_fields=True))

    picked_up = (data_folder / "exports" / "batches.xml").read_bytes()
    assert picked_up == files.run_file(run).read_bytes()


def test_abandoned_file_name_is_free(make_task: MakeTask, data_folder: Path) -> None:
    first = make_task(name="X")
    run_now(first)
    Task.objects.filter(pk=first.pk).update(output_file="other.xml")
    run = run_now(make_task(name="Y", include_extra_fields=True))

    picked_up = (data_folder / "exports" / "batches.xml").read_bytes()
    assert picked_up == files.run_file(run).read_bytes()


def test_reexport_leaves_export_folder_alone(
    make_task: MakeTask, stand_in: StandIn, data_folder: Path
) -> None:
    task = make_task()
    run = run_now(task)
    picked_up = data_folder / "exports" / "batches.xml"
    picked_up.unlink()
    again = jobs.queue_reexport(task, of_run=run)
    jobs.execute_here(again.pk, again.attempt)

    assert not picked_up.exists()


def test_repeated_copy_failure_fills_no_log(make_task: MakeTask, data_folder: Path) -> None:
    (data_folder / "exports" / "batches.xml").mkdir(parents=True)
    run = run_now(make_task())
    for _ in range(3):
        recovery.recover()

    assert run.log_entries.filter(message__contains="was not replaced yet").count() == 1
    (data_folder / "exports" / "batches.xml").rmdir()
    recovery.recover()
    assert (data_folder / "exports" / "batches.xml").read_bytes() == files.run_file(
        run
    ).read_bytes()


def test_one_stuck_file_does_not_stop_recovery(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    (data_folder / "runs" / "run-900-1.part").mkdir()
    (data_folder / "runs" / "run-901-1.part").write_text("<half")
    Run.objects.filter(pk=run.pk).update(is_copy_pending=True)
    recovery.recover(is_thorough=True)

    assert not (data_folder / "runs" / "run-901-1.part").exists()
    assert not Run.objects.filter(is_copy_pending=True).exists()


def test_picked_up_file_does_not_come_back(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    picked_up = data_folder / "exports" / "batches.xml"
    # The recovery has looked for copies to retry before the run's own worker was through.
    Run.objects.filter(pk=run.pk).update(is_copy_pending=True)
    late = Run.objects.get(pk=run.pk)
    recovery.recover()
    picked_up.unlink()
    copy_to_export_folder(late, RunLog(late))

    assert not picked_up.exists()


@pytest.mark.parametrize("has_its_name", [False, True], ids=["before", "after"])
def test_worker_death_while_renaming_leaves_one_file(
    make_task: MakeTask, data_folder: Path, has_its_name: bool
) -> None:
    run = run_now(make_task())
    picked_up = data_folder / "exports" / "batches.xml"
    draft = picked_up.with_name(".run-1-dead.part")
    picked_up.rename(draft)
    if has_its_name:
        # And another program has taken the file away by now.
        draft.unlink()
    Run.objects.filter(pk=run.pk).update(is_copy_pending=True, copy_temp_name=draft.name)
    recovery.recover()

    assert picked_up.exists() is not has_its_name
    assert not draft.exists()
    assert not Run.objects.filter(is_copy_pending=True).exists()


def test_copy_claimed_elsewhere_is_left_to_recovery(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    Run.objects.filter(pk=run.pk).update(is_copy_pending=True)
    late = Run.objects.get(pk=run.pk)
    assert Run.objects.get(pk=run.pk).record_copy(".run-1-else.part")
    late.finish_copy()

    assert Run.objects.get(pk=run.pk).is_copy_pending
