"""What was exported after the backup is in files: taken in, no batch goes out a second time."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from exports.backups.making import Wanted, make_backup
from exports.backups.taking_in import take_all_in
from exports.backups.unknown_files import unknown_files
from exports.demo.server import StandIn
from exports.models import LedgerEntry, Run, RunSummary, Task
from exports.storage import files
from exports.storage.folders import folder_for
from tests.backups.places import Place
from tests.conftest import MakeTask, run_now
from tests.run_files import manifest_file, run_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("B4")]

PASSPHRASE = "correct horse battery staple"


def soon(seconds: int) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def forget(run: Run) -> None:
    """Make the database one that does not know the run, with its file set aside."""
    LedgerEntry.objects.filter(run_id=run.pk).delete()
    run.task.date_changes.filter(run_id=run.pk).delete()
    Run.objects.filter(pk=run.pk).delete()
    RunSummary.objects.filter(pk=run.pk).delete()
    for found in files.found_files():
        if found.run_id == run.pk and found.is_whole:
            files.set_aside(found)


@pytest.mark.rule("B3")
@pytest.mark.parametrize("export", ["modified", "new"])
def test_later_batches_are_not_exported_again(
    make_task: MakeTask, stand_in: StandIn, place: Place, tmp_path: Path, export: str
) -> None:
    task = make_task(export=export)
    run_now(task)
    make_backup(tmp_path / "a.backup", Wanted(passphrase=PASSPHRASE, with_keys=True))
    touched, added = stand_in.store.ids[3], max(stand_in.store.ids) + 1
    stand_in.store.touch(touched, soon(1))
    record = {**stand_in.store.get(touched), "id": added}
    stand_in.store.put(record)
    later = run_now(task)
    assert later.batch_count == (2 if export == "modified" else 1)

    (place.folder / "runs").mkdir()
    for path in (run_file(later), manifest_file(later)):
        shutil.copy(path, place.folder / "runs")
    backup = str(tmp_path / "a.backup")
    settings = {"CWEXPORT_BACKUP_PASSPHRASE": PASSPHRASE}
    assert place.manage("restore", backup, "--keep-files", **settings).returncode == 0
    taken = place.manage("take_in_files")
    assert f"1 files with {later.batch_count} batches" in taken.stdout, taken.stderr
    place.manage("restore", "--go-on")

    stand_in.store.put({**record, "id": added + 1})
    done = place.manage("run_task", "Nightly batches")
    result = json.loads(done.stdout)
    ids = etree.parse(result["file"]).xpath("/Batches/Batch/id/text()")
    assert ids == [str(added + 1)]
    assert result["run"] > later.pk


def test_taken_in_versions_are_those_of_the_run(task: Task, each_store: str) -> None:
    run = run_now(task)
    columns = ("batch_id", "last_updated", "content_hash", "batch_identifier")
    before = set(LedgerEntry.objects.filter(run_id=run.pk).values_list(*columns))
    forget(run)

    done = take_all_in()

    assert (done.file_count, done.batch_count, done.refused) == (1, len(before), [])
    assert set(LedgerEntry.objects.filter(run_id=run.pk).values_list(*columns)) == before
    assert list(unknown_files()) == []
    assert take_all_in().file_count == 0


@pytest.mark.parametrize("fault", ["no proof", "other content", "other task", "number taken"])
def test_file_that_does_not_fit_is_left(make_task: MakeTask, fault: str) -> None:
    task = make_task()
    run = run_now(task)
    forget(run)
    [found] = unknown_files()
    path = folder_for("orphaned") / found.name
    if fault == "no proof":
        path.with_suffix(".json").unlink()
    elif fault == "other content":
        path.write_bytes(path.read_bytes() + b"<!-- -->\n")
    elif fault == "other task":
        task.date_changes.all().delete()
        task.delete()
    else:
        other = task.queue_run(Run.Trigger.MANUAL)
        other.cancel()
        Run.objects.filter(pk=other.pk).update(id=run.pk)

    done = take_all_in()

    assert (done.file_count, len(done.refused)) == (0, 1)
    assert path.exists()
    assert not LedgerEntry.objects.filter(run_id=run.pk).exists()
