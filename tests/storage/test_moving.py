"""`move_files`: from folder to bucket and back, checked by hash, killed anywhere (O2, Q1)."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from exports.models import Run, Task, Worker
from exports.storage import files
from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.places import StorageKeys
from tests.conftest import run_now
from tests.run_files import manifest_file, run_file, stored, stored_names
from tests.stores import KEYS, S3Server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Move = Callable[..., str]


class KilledError(BaseException):
    """As a SIGKILL: nothing catches it."""


@pytest.fixture
def move(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Move:
    settings.CWEXPORT_STORAGE_KEYS = StorageKeys(
        access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=KEYS["AWS_SECRET_ACCESS_KEY"]
    )

    def run(to: object) -> str:
        call_command("move_files", "--to", str(to))
        done = capsys.readouterr()
        return done.out + done.err

    return run


def contents(*runs: Run) -> list[bytes]:
    return [one.read_bytes() for run in runs for one in (run_file(run), manifest_file(run))]


@pytest.mark.rule("Q1")
def test_files_go_to_a_bucket_and_back(
    task: Task, s3_server: S3Server, settings: Settings, move: Move, tmp_path: Path
) -> None:
    runs = run_now(task), run_now(task)
    stored("orphaned/run-9-1-deadbeef.xml").write_text("<Batches/>")
    before = contents(*runs)
    check_folder_belongs()
    said = move(s3_server.setting())
    assert "Moved: 5 files" in said
    assert f"set CWEXPORT_FILES={s3_server.setting()}" in said
    assert stored_names("runs") == []

    # Nothing starts with the old setting.
    with pytest.raises(ForeignFolderError, match=re.escape("were moved from")):
        check_folder_belongs()
    settings.CWEXPORT_FILES = s3_server.place()
    check_folder_belongs()
    assert contents(*runs) == before
    assert stored_names("orphaned") == ["run-9-1-deadbeef.xml"]
    later = run_now(task)

    share = tmp_path / "share"
    share.mkdir()
    assert "Moved: 7 files" in move(share)
    settings.CWEXPORT_FILES = share
    check_folder_belongs()
    assert contents(*runs) == before
    assert run_file(later).exists()
    assert s3_server.all_keys() == ["acme/files_moved_to", "acme/installation_id"]

    # And back to where they came from, which then is no place moved away from any more.
    move(settings.CWEXPORT_DATA_DIR)
    settings.CWEXPORT_FILES = None
    check_folder_belongs()
    assert contents(*runs) == before


@pytest.mark.parametrize("step", ["put", "write_note", "remove"])
@pytest.mark.parametrize("number", [1, 3])
def test_killed_move_loses_nothing_and_goes_on(
    task: Task,
    s3_server: S3Server,
    settings: Settings,
    move: Move,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
) -> None:
    runs = run_now(task), run_now(task)
    check_folder_belongs()
    before, calls = contents(*runs), []
    places = type(files.store()), type(files.store_at(s3_server.place()))
    whole = {place: getattr(place, step) for place in places}

    def die(self: Any, *args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == number:
            raise KilledError
        return whole[type(self)](self, *args, **more)

    for place in places:
        monkeypatch.setattr(place, step, die)
    with suppress(KilledError):
        move(s3_server.setting())
    for place in places:
        monkeypatch.setattr(place, step, whole[place])
    move(s3_server.setting())

    settings.CWEXPORT_FILES = s3_server.place()
    check_folder_belongs()
    assert contents(*runs) == before


def test_another_content_in_the_way_is_not_replaced(
    task: Task, s3_server: S3Server, move: Move
) -> None:
    run = run_now(task)
    check_folder_belongs()
    target = files.store_at(s3_server.place())
    target.write_note("installation_id", written_id())
    s3_server.client.put_object(Bucket="batches", Key=f"acme/{run.file_path}", Body=b"another")
    with pytest.raises(CommandError, match="is already there"):
        move(s3_server.setting())
    assert run_file(run).exists()


def written_id() -> str:
    return files.store().read_note("installation_id") or ""


def test_changed_file_is_moved_and_named(task: Task, s3_server: S3Server, move: Move) -> None:
    run = run_now(task)
    check_folder_belongs()
    run_file(run).write_bytes(b"changed")
    assert f"{run.file_path} is not what its run recorded." in move(s3_server.setting())


def test_move_is_refused_with_the_reason(
    task: Task, s3_server: S3Server, move: Move, data_folder: Path
) -> None:
    run = run_now(task)
    check_folder_belongs()
    with pytest.raises(CommandError, match=r"are in .* already"):
        move(data_folder)
    with pytest.raises(CommandError, match="begins with gs://"):
        move("gs://batches")
    with pytest.raises(CommandError, match="has no bucket nowhere"):
        move(s3_server.setting().replace("batches", "nowhere"))
    s3_server.client.put_object(Bucket="batches", Key="acme/installation_id", Body=b"of others")
    with pytest.raises(CommandError, match="belong to another installation"):
        move(s3_server.setting())
    Run.objects.filter(pk=run.pk).update(status="running")
    with pytest.raises(CommandError, match="is running"):
        move(s3_server.setting("other"))
    Worker.objects.see("alive", 1)
    with pytest.raises(CommandError, match="1 workers are alive"):
        move(s3_server.setting("other"))
    assert run_file(run).exists()
