"""Data folders with missing abilities: used without them, or refused with the reason and cure."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from cwexport import local_secrets
from exports.models import Delivery, Task
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.folders import folder_for
from exports.storage.static_files import StaticFilesStorage
from exports.workers import recovery
from tests.conftest import MakeTask, run_now
from tests.management.installation import own_environment
from tests.processes import ROOT


def refuse(number: int) -> Callable[..., None]:
    """Make a system call fail as on a file system that lacks it."""

    def call(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))


@pytest.fixture
def no_flushed_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.django_db
def test_whole_folder_has_nothing_to_tell(data_folder: Path) -> None:
    assert check_capabilities() == []
    assert [path.name for path in data_folder.rglob("*") if path.is_file()] == []


@pytest.mark.django_db
@pytest.mark.usefixtures("no_locks")
def test_missing_locks_are_reported_once() -> None:
    [sentence] = check_capabilities()

    assert "refuses locks (flock)" in sentence
    assert "--workers 1" in sentence


@pytest.mark.django_db
@pytest.mark.usefixtures("no_flushed_folders")
def test_unflushed_folders_are_reported_once() -> None:
    [sentence] = check_capabilities()

    assert "cannot flush a folder" in sentence


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_locks", "no_flushed_folders")
def test_run_is_exported_without_locks_and_flushes(task: Task, data_folder: Path) -> None:
    run = run_now(task)
    recovery.recover()

    assert run.status == "succeeded"
    assert Delivery.objects.get(run=run).state == Delivery.State.DELIVERED
    assert (data_folder / "exports" / run.file_name).exists()


@pytest.mark.usefixtures("no_locks")
def test_static_files_need_no_locks(tmp_path: Path) -> None:
    storage = StaticFilesStorage(location=tmp_path, base_url="/static/")

    storage.save("exports/a.css", ContentFile(b"a {}"))

    written = tmp_path / "exports" / "a.css"
    assert written.read_text() == "a {}"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_secrets_need_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", refuse(number))

    secret = local_secrets.secret_key(tmp_path)

    assert len(secret) > 40
    assert local_secrets.secret_key(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.django_db
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_unwritable_folder_is_refused_by_name(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder_for("runs")
    monkeypatch.setattr(os, "open", refuse(number))

    with pytest.raises(FolderUnusableError, match=f"{data_folder}/runs.*{os.strerror(number)}"):
        check_capabilities()


@pytest.mark.django_db
def test_full_disk_does_not_keep_the_pages_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runs", "exports"):
        folder_for(name)
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))

    assert "No space left on device" in check_capabilities()[0]


@pytest.mark.django_db
def test_export_folder_out_of_reach_is_reported(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").write_text("")
    settings.CWEXPORT_EXPORT_DIR = tmp_path / "file" / "pick-up"

    [sentence] = check_capabilities()

    assert f"{tmp_path}/file/pick-up: Not a directory" in sentence


def test_database_that_cannot_be_written_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Only SQLite is a file, wherever the other tests have their rows.
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "cwexport.sqlite3")}
    monkeypatch.setitem(settings.DATABASES, "default", file)
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    with pytest.raises(FolderUnusableError, match=r"belongs to the user .* chown -R"):
        check_capabilities()


@pytest.mark.django_db(transaction=True)
def test_name_the_locale_lacks_stops_no_other_task(
    make_task: MakeTask, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = os.fsencode

    def encode_as_latin(name: str | os.PathLike[str]) -> bytes:
        os.fspath(name).encode("iso8859-1")
        return encode(name)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsencode", encode_as_latin)
        strange = run_now(make_task(name="Strange", output_file="日.xml"))
        plain = run_now(make_task(name="Plain", output_file="plain.xml"))
        recovery.recover()

    assert (strange.status, plain.status) == ("succeeded", "succeeded")
    assert os.listdir(data_folder / "exports") == ["plain.xml"]
    assert "LC_ALL=C.UTF-8" in str(Delivery.objects.get(run=strange).error)


def test_commands_use_utf8_under_every_locale(tmp_path: Path) -> None:
    folder = tmp_path / "日"
    folder.mkdir()
    locale = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    script = f"import os, sys; print(os.listdir({str(tmp_path)!r}), sys.getfilesystemencoding())"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
        cwd=ROOT,
        env=own_environment(folder, **locale),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['日'] utf-8"
