"""Databases of earlier versions come up with all their data, also when the upgrade is killed.

The `.sql` files are databases as those versions left them after a run, with a few rows of the
ledger; each is named after its last migration.
"""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.backups.conftest import place
from tests.backups.places import Place
from tests.management.installation import manage, own_environment
from tests.processes import ROOT

__all__ = ["place"]

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.stem for path in FOLDER.glob("*.sql"))

# `migrate` that is killed before its Nth statement; exit code 0 when it was over before.
MIGRATE_AND_DIE = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
left = int(sys.argv[1])
def count(execute, *arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(*arguments)
with connection.execute_wrapper(count):
    call_command("migrate", verbosity=0, interactive=False)
"""
# Columns that every version has.
KEPT = {
    "exports_task": "id, name, export, date_created, date_modified, output_file",
    "exports_run": "id, task_name, status, batch_count, file_path, file_sha256",
    "exports_connection": "id, name, site, company, private_key_token",
    "exports_ledgerentry": "task_id, run_id, batch_id, last_updated, content_hash",
    "exports_datechange": "task_id, field, date_after, run_id",
    "auth_user": "id, username, password",
}


@pytest.fixture(params=VERSIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "cwexport.sqlite3")) as database:
        database.executescript((FOLDER / f"{request.param}.sql").read_text())
    return folder


def content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / "cwexport.sqlite3")) as database:
        return {
            table: database.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3").fetchall()
            for table, columns in KEPT.items()
        }


def die_while_migrating(statement: int, folder: Path, **changes: str) -> bool:
    """Whether it was killed; otherwise it was over."""
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE_AND_DIE, str(statement)],
        cwd=ROOT,
        env={**own_environment(folder, **changes), "DJANGO_SETTINGS_MODULE": "cwexport.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.rule("B5")
def test_upgrade_killed_again_and_again_keeps_all(folder: Path) -> None:
    before = content(folder)
    assert before["exports_run"]
    assert before["exports_ledgerentry"]

    statement = kills = 0
    while die_while_migrating(statement := statement + 250, folder):
        kills += 1
        with closing(sqlite3.connect(folder / "cwexport.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []

    assert kills > 1
    assert content(folder) == before
    assert manage("migrate", "--check", folder=folder).returncode == 0


@pytest.mark.rule("B5")
@pytest.mark.django_db(transaction=True)
def test_killed_installation_goes_on(place: Place) -> None:
    """On PostgreSQL too, where the tests run on it."""
    changes = {"DATABASE_URL": place.url}
    statement = kills = 0
    while die_while_migrating(statement := statement + 60, place.folder, **changes):
        kills += 1

    assert kills > 1
    assert place.manage("migrate", "--check").returncode == 0
    assert place.rows("SELECT count(*) FROM exports_task") == [(0,)]


@pytest.mark.rule("B5")
def test_older_database_is_not_run_on(folder: Path) -> None:
    done = manage("run_task", "Demo batches", folder=folder)

    assert done.returncode == 2
    assert "of an earlier version" in done.stderr


@pytest.mark.rule("B5")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", [["serve", "--port", "1024"], ["run_task", "x"]])
def test_newer_database_is_refused(place: Place, command: list[str]) -> None:
    assert place.manage("migrate").returncode == 0
    statement = (
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('exports', '9999_of_a_newer_version', '2030-01-01 00:00:00')"
    )
    place.execute(statement)

    done = place.manage(*command)

    assert done.returncode in (1, 2)
    assert "9999_of_a_newer_version" in done.stderr
    assert "Traceback" not in done.stderr
