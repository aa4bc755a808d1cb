"""Hosts with folders of their own, or a shared one: who finishes what another began (O4, Q3)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exports.delivery.again import deliver_again
from exports.delivery.sending import send_due
from exports.models import Delivery, Run, Worker
from exports.storage.data_folder_id import data_folder_id
from tests.conftest import MakeTask, run_now
from tests.delivery.deliveries import delivery_of, make_due
from tests.management.installation import wait_until
from tests.processes import ROOT, environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("Q3", "O4")]

# A host that loses its power between noting its copy and renaming it, or right after that.
DYING = """
import os, pathlib, django
django.setup()
from exports.delivery.sending import send_due
rename = pathlib.Path.replace
def die(self, target):
    if {renames} and self.suffix == ".part":
        rename(self, target)
    if self.suffix == ".part":
        os._exit(9)
    return rename(self, target)
pathlib.Path.replace = die
send_due()
"""


def die_at_renaming(run: Run, data: Path, *, renames: bool = False, **changes: str) -> Delivery:
    """The host of this folder dies while it delivers; afterwards the delivery is due again."""
    (data / "exports" / "batches.xml").unlink(missing_ok=True)
    make_due(run)
    died = subprocess.run(
        [sys.executable, "-c", DYING.format(renames=renames)],
        cwd=ROOT,
        env=environment(CWEXPORT_DATA_DIR=str(data), **changes),
        check=False,
    )
    assert died.returncode == 9
    make_due(run, owner="")
    delivery = delivery_of(run)
    assert delivery.temp_name
    return delivery


@pytest.fixture
def other_host(tmp_path: Path) -> Path:
    """A data folder of another host, without the files of this one."""
    folder = tmp_path / "other-host"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize("renames", [False, True], ids=["before", "after"])
def test_note_of_another_host_is_finished_there(
    make_task: MakeTask, data_folder: Path, other_host: Path, renames: bool
) -> None:
    run = run_now(make_task())
    die_at_renaming(run, data_folder, renames=renames)
    if renames:
        (data_folder / "exports" / "batches.xml").unlink()  # picked up
    with worker_on(other_host):
        wait_until(lambda: delivery_of(run).error_code == "delivery.begun_elsewhere")
    left = delivery_of(run)
    assert (left.state, bool(left.temp_name)) == ("waiting", True)
    assert "A worker on that host finishes it" in str(left.error)
    assert not list((other_host / "exports").iterdir())

    make_due(run)
    with worker_on(data_folder):
        wait_until(lambda: delivery_of(run).state == "delivered")
    assert (data_folder / "exports" / "batches.xml").exists() is not renames
    assert not list((other_host / "exports").iterdir())


def worker_on(folder: Path) -> "subprocess.Popen[bytes]":
    return _Worker(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env=environment(CWEXPORT_DATA_DIR=str(folder)),
    )


class _Worker(subprocess.Popen[bytes]):
    """Ended with its block, and taken from the living at once."""

    def __exit__(self, *args: Any) -> None:
        self.terminate()
        super().__exit__(*args)
        Worker.objects.filter(process_id=self.pid).delete()


@pytest.mark.parametrize("renames", [False, True], ids=["before", "after"])
def test_other_host_finishes_in_a_shared_folder(
    make_task: MakeTask,
    data_folder: Path,
    other_host: Path,
    tmp_path: Path,
    settings: Any,
    renames: bool,
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    settings.CWEXPORT_EXPORT_DIR = shared
    run = run_now(make_task())
    die_at_renaming(run, data_folder, renames=renames, CWEXPORT_EXPORT_DIR=str(shared))

    settings.CWEXPORT_DATA_DIR = other_host
    send_due()

    assert delivery_of(run).state == "delivered"
    assert [path.name for path in shared.iterdir()] == ["batches.xml"]


def test_host_without_the_file_leaves_it_to_others(
    make_task: MakeTask, data_folder: Path, other_host: Path, settings: Any
) -> None:
    run = run_now(make_task())
    make_due(run)
    Worker.objects.see("on the host with the file", os.getpid() + 1)
    settings.CWEXPORT_DATA_DIR = other_host
    before = delivery_of(run).attempt_count
    send_due()
    assert (delivery_of(run).state, delivery_of(run).attempt_count) == ("waiting", before)

    settings.CWEXPORT_DATA_DIR = data_folder
    send_due()
    assert delivery_of(run).state == "delivered"


def test_person_lets_another_host_begin_anew(
    make_task: MakeTask, data_folder: Path, other_host: Path, settings: Any
) -> None:
    """The files of runs are within reach of both, the export folders are their own."""
    run = run_now(make_task())
    delivery = die_at_renaming(run, data_folder)
    shutil.copytree(data_folder / "runs", other_host / "runs")
    settings.CWEXPORT_DATA_DIR = other_host
    send_due()
    assert delivery_of(run).error_code == "delivery.begun_elsewhere"

    assert delivery.destination is not None
    assert deliver_again(run, delivery.destination, "ann") is None
    send_due()

    assert delivery_of(run).state == "delivered"
    assert (other_host / "exports" / "batches.xml").exists()


def test_folder_keeps_its_word(data_folder: Path, other_host: Path, settings: Any) -> None:
    data_folder.mkdir()
    own = data_folder_id()
    settings.CWEXPORT_DATA_DIR = other_host
    assert data_folder_id() != own
    settings.CWEXPORT_DATA_DIR = data_folder
    assert data_folder_id() == own
    assert len(own) == 8
