"""The file in the export folder: always the newest of its task, never another's (O4)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import translation

from exports.delivery.sending import send, send_due
from exports.demo.server import StandIn
from exports.models import Destination, Run, Task
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.delivery.deliveries import delivery_of, make_due, retry_now
from tests.pipeline.outcomes import log_of
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


def execute(run: Run) -> None:
    jobs.execute_here(run.pk, run.attempt)


@pytest.mark.rule("O4")
def test_late_copy_does_not_replace_newer_one(make_task: MakeTask, data_folder: Path) -> None:
    task = make_task()
    older, newer = run_now(task), run_now(task)
    make_due(older)
    (data_folder / "exports" / "batches.xml").write_bytes(b"newer")
    send_due()

    assert (data_folder / "exports" / "batches.xml").read_bytes() == b"newer"
    assert delivery_of(older).state == "superseded"
    assert newer.pk > older.pk


def test_name_follows_the_language_until_renamed(db: None) -> None:
    folder = Destination.objects.export_folder()
    with translation.override("de"):
        assert Destination.objects.export_folder().name != folder.name
    assert Destination.objects.export_folder().name == folder.name

    Destination.objects.filter(pk=folder.pk).update(name="Share of accounting")
    with translation.override("de"):
        assert Destination.objects.export_folder().name == "Share of accounting"


def test_tasks_with_same_name_keep_their_files(make_task: MakeTask, data_folder: Path) -> None:
    first = run_now(make_task(name="X", output_file="batches-{task}.xml"))
    other = make_task(name="Y", output_file="batches-X.xml")
    second = run_now(other)
    run_now(other)

    picked_up = (data_folder / "exports" / "batches-X.xml").read_bytes()
    assert picked_up == run_file(first).read_bytes()
    assert second.status == "succeeded"
    assert "belongs to X" in log_of(second)
    assert (delivery_of(second).state, delivery_of(second).error_code) == (
        "failed",
        "delivery.name_taken",
    )


def test_older_run_ending_later_replaces_no_newer(make_task: MakeTask, data_folder: Path) -> None:
    older = jobs.queue_run(make_task(name="X", output_file="batches-{task}.xml"), "manual")
    newer = run_now(make_task(name="Y", output_file="batches-X.xml", include_extra_fields=True))
    execute(older)
    send_due()

    picked_up = (data_folder / "exports" / "batches-X.xml").read_bytes()
    assert picked_up == run_file(newer).read_bytes()
    assert "belongs to Y" in log_of(older)
    assert "now holds this run" not in log_of(older)


def test_older_run_replaces_no_archived_tasks_newer(make_task: MakeTask, data_folder: Path) -> None:
    older = jobs.queue_run(make_task(name="X", output_file="batches-{task}.xml"), "manual")
    task = make_task(name="Y", output_file="batches-X.xml", include_extra_fields=True)
    newer = run_now(task)
    task.archive()
    execute(older)
    send_due()

    picked_up = (data_folder / "exports" / "batches-X.xml").read_bytes()
    assert picked_up == run_file(newer).read_bytes()
    assert delivery_of(older).state == "superseded"


def test_successor_of_archived_task_takes_its_file(make_task: MakeTask, data_folder: Path) -> None:
    old = make_task(name="Old")
    run_now(old)
    old.archive()
    run = run_now(make_task(name="New", page_size=50, include_extra_fields=True))

    picked_up = (data_folder / "exports" / "batches.xml").read_bytes()
    assert picked_up == run_file(run).read_bytes()


def test_abandoned_file_name_is_free(make_task: MakeTask, data_folder: Path) -> None:
    first = make_task(name="X")
    run_now(first)
    first.output_file = "other.xml"
    first.save()
    run = run_now(make_task(name="Y", include_extra_fields=True))

    picked_up = (data_folder / "exports" / "batches.xml").read_bytes()
    assert picked_up == run_file(run).read_bytes()


def test_reexport_leaves_export_folder_alone(
    make_task: MakeTask, stand_in: StandIn, data_folder: Path
) -> None:
    task = make_task()
    run = run_now(task)
    picked_up = data_folder / "exports" / "batches.xml"
    picked_up.unlink()
    again = jobs.queue_reexport(task, of_run=run)
    execute(again)
    send_due()

    assert not picked_up.exists()
    assert not again.deliveries.exists()


def test_run_is_over_before_its_copy(task: Task, data_folder: Path) -> None:
    run = jobs.queue_run(task, "manual")
    execute(run)

    run.refresh_from_db()
    assert (run.status, delivery_of(run).state) == ("succeeded", "waiting")
    assert not (data_folder / "exports" / "batches.xml").exists()
    send_due()
    assert delivery_of(run).state == "delivered"
    assert (data_folder / "exports" / "batches.xml").read_bytes() == run_file(run).read_bytes()


def test_repeated_copy_failure_fills_no_log(make_task: MakeTask, data_folder: Path) -> None:
    in_the_way = data_folder / "exports" / "batches.xml"
    in_the_way.mkdir(parents=True)
    run = run_now(make_task())
    for _ in range(3):
        retry_now()

    assert log_of(run).count("was not delivered to Export folder yet") == 1
    assert delivery_of(run).error_code == "delivery.not_written"
    assert delivery_of(run).attempt_count == 4
    in_the_way.rmdir()
    retry_now()
    assert in_the_way.read_bytes() == run_file(run).read_bytes()


def test_failed_copy_waits_for_its_pause(make_task: MakeTask, data_folder: Path) -> None:
    (data_folder / "exports" / "batches.xml").mkdir(parents=True)
    run = run_now(make_task())
    for _ in range(3):
        send_due()

    assert delivery_of(run).attempt_count == 1


def test_changed_run_file_is_not_delivered(make_task: MakeTask, data_folder: Path) -> None:
    run = jobs.queue_run(make_task(), "manual")
    execute(run)
    run.refresh_from_db()
    content = run_file(run).read_bytes()
    run_file(run).write_bytes(content[:-1])
    send_due()

    assert delivery_of(run).error_code == "delivery.file_changed"
    assert list((data_folder / "exports").iterdir()) == []
    run_file(run).write_bytes(content)
    retry_now()
    assert (data_folder / "exports" / "batches.xml").read_bytes() == content


def test_one_stuck_file_does_not_stop_recovery(make_task: MakeTask, data_folder: Path) -> None:
    run_now(make_task())
    (data_folder / "runs" / "run-900-1.part").mkdir()
    (data_folder / "runs" / "run-901-1.part").write_text("<half")
    recovery.recover(is_thorough=True)

    assert not (data_folder / "runs" / "run-901-1.part").exists()


def test_picked_up_file_does_not_come_back(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    late = delivery_of(run)
    (data_folder / "exports" / "batches.xml").unlink()
    send_due()

    assert not late.take("somebody who looked before it was sent")
    assert not (data_folder / "exports" / "batches.xml").exists()


@pytest.mark.parametrize("has_its_name", [False, True], ids=["before", "after"])
def test_sender_that_dies_at_renaming_leaves_one_file(
    make_task: MakeTask, data_folder: Path, has_its_name: bool
) -> None:
    run = run_now(make_task())
    picked_up = data_folder / "exports" / "batches.xml"
    draft = picked_up.with_name(".run-1-dead.part")
    picked_up.rename(draft)
    if has_its_name:
        # Meanwhile another program has taken the file.
        draft.unlink()
    make_due(run, temp_name=draft.name)
    send_due()

    assert picked_up.exists() is not has_its_name
    assert not draft.exists()
    assert delivery_of(run).state == "delivered"


def test_copies_of_killed_tries_are_removed(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    make_due(run)
    row = delivery_of(run)
    assert row.take("killed while it copied")
    remains = f".cwexport-{row.pk}-{run.file_sha256[:8]}-4d7eb5a5-0a1b2c3d.part"
    others = ".cwexport-77-0a1b2c3d-4d7eb5a5-0a1b2c3d.part"
    folder = data_folder / "exports"
    for name in (remains, others):
        (folder / name).write_bytes(b"half")
    retry_now()

    assert delivery_of(run).state == "delivered"
    assert {path.name for path in folder.iterdir()} == {"batches.xml", others}


def test_sender_that_lost_it_gives_no_name(make_task: MakeTask, data_folder: Path) -> None:
    run = run_now(make_task())
    picked_up = data_folder / "exports" / "batches.xml"
    picked_up.unlink()
    make_due(run)
    slow = delivery_of(run)
    assert slow.take("slow")
    make_due(run)
    send_due()
    picked_up.unlink()

    send(slow, lambda: False)
    assert not picked_up.exists()
    assert delivery_of(run).state == "delivered"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds a lock on it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def test_foreign_lock_on_folder_holds_nothing_up(task: Task, data_folder: Path) -> None:
    (data_folder / "exports").mkdir(parents=True)
    with locked(data_folder / "exports"):
        run = run_now(task)

    assert delivery_of(run).state == "delivered"


def test_lock_of_another_worker_is_not_waited_for(task: Task, data_folder: Path) -> None:
    run_now(task)
    with locked(data_folder / "runs"):
        run = run_now(task)
        assert (delivery_of(run).state, delivery_of(run).error_code) == ("waiting", "delivery.busy")
    retry_now()

    assert delivery_of(run).state == "delivered"
