"""A data folder belongs to one database; another one must not treat its files as orphaned."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from exports.models import Installation, Run, Task
from exports.storage.belonging import ForeignFolderError, adopt_folder, check_folder_belongs
from tests.conftest import run_now
from tests.management.installation import database_url, install, manage, own_environment
from tests.processes import ROOT
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


def written_id(folder: Path) -> str:
    return (folder / "installation_id").read_text().strip()


def forget_database_id() -> None:
    Installation.objects.all().delete()


def test_first_use_writes_the_same_id_twice(data_folder: Path) -> None:
    data_folder.mkdir()
    check_folder_belongs()

    assert written_id(data_folder) == Installation.objects.known_id()
    check_folder_belongs()


def test_older_installation_upgrades_silently(task: Task, data_folder: Path) -> None:
    run_now(task)
    assert not (data_folder / "installation_id").exists()

    check_folder_belongs()

    assert written_id(data_folder) == Installation.objects.known_id()


def test_other_database_is_refused(data_folder: Path) -> None:
    data_folder.mkdir()
    (data_folder / "installation_id").write_text("of another database")

    with pytest.raises(ForeignFolderError, match="adopt_data_folder"):
        check_folder_belongs()
    Installation.objects.own_id()
    with pytest.raises(ForeignFolderError, match="belongs to another database"):
        check_folder_belongs()
    assert written_id(data_folder) == "of another database"


def test_empty_database_cannot_take_older_files(task: Task) -> None:
    run = run_now(task)
    Run.objects.filter(pk=run.pk).update(file_path="runs/run-0-1-00000000.xml")

    with pytest.raises(ForeignFolderError):
        check_folder_belongs()
    assert not Installation.objects.exists()


def test_new_folder_of_known_database_is_taken(data_folder: Path) -> None:
    own_id = Installation.objects.own_id()
    data_folder.mkdir()

    check_folder_belongs()

    assert written_id(data_folder) == own_id


def test_database_restored_from_before_ids_is_taken(task: Task, data_folder: Path) -> None:
    run_now(task)
    check_folder_belongs()
    forget_database_id()

    check_folder_belongs()

    assert written_id(data_folder) == Installation.objects.known_id()


def test_folder_restored_without_id_is_taken(task: Task, data_folder: Path) -> None:
    run_now(task)
    check_folder_belongs()
    (data_folder / "installation_id").unlink()

    check_folder_belongs()

    assert written_id(data_folder) == Installation.objects.known_id()


def test_adopted_folder_belongs_to_this_database(data_folder: Path) -> None:
    data_folder.mkdir()
    (data_folder / "installation_id").write_text("of another database")

    adopt_folder()

    check_folder_belongs()
    assert written_id(data_folder) == Installation.objects.known_id()


def test_broken_id_file_is_refused(data_folder: Path) -> None:
    data_folder.mkdir()
    (data_folder / "installation_id").write_bytes(b"\xff\x00")

    with pytest.raises(ForeignFolderError):
        check_folder_belongs()


@pytest.mark.parametrize("command", [["worker"], ["serve", "--port", "1024"], ["run_task", "x"]])
def test_every_process_refuses_a_foreign_folder(
    task: Task, data_folder: Path, tmp_path: Path, command: list[str]
) -> None:
    run = run_now(task)
    check_folder_belongs()
    other = {"DATABASE_URL": database_url(install(tmp_path / "other"))}

    done = manage(*command, folder=data_folder, **other)

    assert done.returncode != 0
    assert "belongs to another database" in done.stderr
    assert "Traceback" not in done.stderr
    assert run_file(run).exists()


def test_web_server_refuses_a_foreign_folder(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "installation_id").write_text("of another database")

    done = subprocess.run(
        [sys.executable, "-c", "import cwexport.wsgi"],
        cwd=ROOT,
        env=own_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert "belongs to another database" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_says_what_belongs_together(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_folder.mkdir()
    call_command("adopt_data_folder")

    assert str(data_folder) in capsys.readouterr().out
