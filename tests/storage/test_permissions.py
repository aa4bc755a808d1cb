"""Nobody else on the machine can read the data folder, whatever the umask."""

import os
import stat
from pathlib import Path

import pytest

from exports.connectwise.regular_files import create_plain, open_regular
from exports.models import Task
from exports.storage import permissions
from exports.storage.folders import folder_for
from tests.conftest import run_now
from tests.management.installation import manage
from tests.run_files import manifest_file, run_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes_below(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): mode(path) for path in folder.rglob("*")}


def test_new_installation_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    previous = os.umask(0o000)
    try:
        assert manage("migrate", folder=folder).returncode == 0
        assert manage("collectstatic", "--noinput", folder=folder).returncode == 0
    finally:
        os.umask(previous)

    modes = modes_below(folder)
    assert mode(folder) == 0o700
    assert {"cwexport.sqlite3", "secret_key", "encryption_keys", "static"} <= set(modes)
    assert {name for name, found in modes.items() if found & 0o077} == set()


@pytest.mark.django_db(transaction=True)
def test_run_files_are_closed_whatever_the_umask(task: Task, data_folder: Path) -> None:
    previous = os.umask(0o000)
    try:
        run = run_now(task)
    finally:
        os.umask(previous)

    assert mode(run_file(run)) == mode(manifest_file(run)) == 0o600
    assert mode(data_folder / "runs") == 0o700


def test_export_folder_is_open_to_other_programs(data_folder: Path) -> None:
    previous = os.umask(0o077)
    try:
        with create_plain(folder_for("exports") / "a.xml", mode=0o644):
            pass
    finally:
        os.umask(previous)

    assert mode(data_folder / "exports") == 0o755
    assert mode(data_folder / "exports" / "a.xml") == 0o644


def test_export_folder_can_be_elsewhere(tmp_path: Path, settings: object) -> None:
    settings.CWEXPORT_EXPORT_DIR = tmp_path / "pick-up"  # type: ignore[attr-defined]

    assert folder_for("exports") == tmp_path / "pick-up"
    assert mode(tmp_path / "pick-up") == 0o755


def test_open_folder_is_closed_at_start(data_folder: Path) -> None:
    for name in ("runs", "exports"):
        (data_folder / name).mkdir(parents=True)
        (data_folder / name / "run-1-1-00000000.xml").write_text("")
    for path in (data_folder, *data_folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

    sentences = permissions.close_to_others()

    assert "was open to other users (0755)" in sentences[0]
    assert "CWEXPORT_EXPORT_DIR" in sentences[0]
    modes = modes_below(data_folder)
    assert (mode(data_folder), modes["runs"]) == (0o700, 0o700)
    assert modes["runs/run-1-1-00000000.xml"] == 0o600
    assert modes["exports"] == 0o755
    assert permissions.close_to_others() == []


def test_shared_folder_keeps_its_mode(data_folder: Path) -> None:
    data_folder.mkdir()
    data_folder.chmod(0o1777)
    (data_folder / "secret_key").write_text("")
    (data_folder / "secret_key").chmod(0o644)

    assert "not a folder of its own" in permissions.close_to_others()[0]
    assert mode(data_folder) == 0o1777
    assert mode(data_folder / "secret_key") == 0o600


def test_link_is_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    link = tmp_path / "run-1-1.part"
    link.symlink_to(tmp_path / "secret")

    with pytest.raises(OSError, match="symbolic links"):
        open_regular(link)
    with pytest.raises(OSError, match="symbolic links"):
        create_plain(link)
    assert (tmp_path / "secret").read_text() == "secret"


def test_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match=r"No such device|not a file"):
        create_plain(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a file"):
        open_regular(tmp_path / "pipe")
