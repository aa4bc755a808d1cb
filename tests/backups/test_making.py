"""A backup is one moment of the database with the files of its runs, made while others write."""

import stat
import threading
from pathlib import Path

import pytest
from django.db import connection

from exports.backups.archive import read_archive
from exports.backups.errors import BackupError
from exports.backups.making import TEMPORARY, Wanted, make_backup
from exports.backups.restoring import verify
from exports.models import Installation, Run, Task
from exports.models.errors import RunActiveError
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.management.installation import started, wait_until
from tests.processes import environment, worker_process
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


def names(path: Path) -> set[str]:
    return {row["name"] for row in verify(path, "").members}


@pytest.mark.rule("B1")
def test_backup_holds_database_and_files(task: Task, tmp_path: Path, each_store: str) -> None:
    run = run_now(task)
    target = tmp_path / "a.backup"

    made = make_backup(target, Wanted())

    database = "database.sqlite3" if connection.vendor == "sqlite" else "database.sql"
    proof = str(Path(run.file_path).with_suffix(".json"))
    assert names(target) == {"about.json", database, run.file_path, proof}
    assert made.run_file_count == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert Installation.objects.get().backed_up_at == made.made_at
    assert not list(tmp_path.glob(f"{TEMPORARY}*"))


@pytest.mark.rule("B1")
def test_keys_are_left_out_unless_wanted(task: Task, tmp_path: Path) -> None:
    make_backup(tmp_path / "without", Wanted(with_files=False))
    make_backup(tmp_path / "with", Wanted(with_files=False, with_keys=True))

    added = names(tmp_path / "with") - names(tmp_path / "without")
    assert added == {"keys/encryption_keys", "keys/secret_key"}


@pytest.mark.rule("B1")
def test_file_that_is_gone_is_named(make_task: MakeTask, tmp_path: Path, each_store: str) -> None:
    gone, there = (run_now(make_task(name=name, output_file=f"{name}.xml")) for name in "ab")
    run_file(gone).unlink()
    run_file(there).write_bytes(b"changed")

    made = make_backup(tmp_path / "a.backup", Wanted())

    assert made.missing == [gone.file_path]
    assert made.changed == [there.file_path]
    assert verify(tmp_path / "a.backup", "").missing == [gone.file_path]


def test_existing_file_is_not_overwritten(task: Task, tmp_path: Path) -> None:
    target = tmp_path / "a.backup"
    target.write_text("an older backup")

    with pytest.raises(BackupError, match="there already"):
        make_backup(target, Wanted())
    assert target.read_text() == "an older backup"


def test_folder_that_is_missing_is_a_sentence(task: Task, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="could not be written"):
        make_backup(tmp_path / "nowhere" / "a.backup", Wanted())


@pytest.mark.rule("B1")
def test_backups_under_load_are_consistent(make_task: MakeTask, tmp_path: Path) -> None:
    """Every success of a snapshot has its file in the archive, while a worker makes more."""
    tasks = [make_task(name=name, output_file=f"{name}.xml") for name in ("a", "b", "c")]
    is_over = threading.Event()

    def press_run_now() -> None:
        while not is_over.wait(0.05):
            for task in tasks:
                try:
                    jobs.queue_run(task, Run.Trigger.MANUAL)
                except RunActiveError:
                    continue
        connection.close()

    pressing = threading.Thread(target=press_run_now)
    with worker_process():
        pressing.start()
        try:
            for number in range(4):
                wait_until(lambda least=3 * number: Run.objects.succeeded().count() > least)
                made = make_backup(tmp_path / f"{number}.backup", Wanted())
                assert (made.missing, made.changed) == ([], [])
                assert made.run_file_count > 3 * number
        finally:
            is_over.set()
            pressing.join()
    counts = [_counts(tmp_path / f"{number}.backup") for number in range(4)]
    assert counts == sorted(counts)


def _counts(path: Path) -> int:
    found: list[int] = []
    read_archive(path, "", on_about=lambda about: found.append(about["counts"]["runs"]))
    return found[0]


@pytest.mark.rule("B1")
@pytest.mark.parametrize("point", ["database", "archive"])
def test_killed_backup_leaves_nothing_behind(task: Task, tmp_path: Path, point: str) -> None:
    run_now(task)
    target = tmp_path / "backups" / "a.backup"
    target.parent.mkdir()
    changes = {name: text for name, text in environment().items() if name not in ("PATH", "HOME")}
    folder = Path(changes.pop("CWEXPORT_DATA_DIR"))
    command = ("backup", str(target))
    with started(*command, folder=folder, log=tmp_path / "log", **changes) as process:
        wait_until(lambda: any(target.parent.rglob(f"{point}*")) or process.poll() is not None)
        process.kill()
        process.wait()

    if target.exists():
        # It was faster than the kill: then it is whole.
        verify(target, "")
        target.unlink()
    make_backup(target, Wanted())
    assert [path.name for path in target.parent.iterdir()] == ["a.backup"]
