"""Databases with rows in every table come up on both databases with all that they held.

The dumps are of an installation that ran a task on one machine; what later versions added is
filled in at the version before there were several machines.
"""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from exports.demo.server import StandIn
from tests.backups.conftest import place
from tests.backups.places import Place
from tests.management.installation import own_environment
from tests.processes import ROOT

__all__ = ["place"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("B5")]

Content = dict[str, list[dict[str, Any]]]

FOLDER = Path(__file__).parent
DUMP = "0016_finished_runs.sql"
BEFORE_SEVERAL_MACHINES = "0039_run_marks"
SITE_IN_DUMP = "http://127.0.0.1:18099"
KEYS = {
    "SECRET_KEY": "zK3vQ9xWm2LtR7pYc5NbF8dHs4JgU6aEoVi1XwZrTqPyMnKlGh0Dj5Sb",
    "CWEXPORT_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
OPEN_PAGES: Final = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from exports.models import Task
from exports.workers import jobs
from tests.all_pages import addresses
call_command("collectstatic", "--noinput", verbosity=0)
assert jobs.queue_run(Task.objects.earliest("id"), "manual").claim("a worker")
client = Client(SERVER_NAME="localhost")
client.force_login(User.objects.get(username="anna"))
for name, address in addresses().items():
    assert client.get(address).status_code == 200, name
"""


@pytest.fixture
def old(place: Place, stand_in: StandIn) -> Place:
    """The dump, its connection to the stand-in, which has the same batches."""
    stand_in.store.clear()
    for number in range(1, 9):
        stand_in.store.put(batch(number, f"2026-02-{number:02}T08:00:00Z"))
    is_sqlite = place.url.startswith("sqlite")
    dump = (FOLDER / DUMP if is_sqlite else FOLDER / "postgresql" / DUMP).read_text()
    dump = dump.replace(SITE_IN_DUMP, stand_in.url)
    if is_sqlite:
        with closing(sqlite3.connect(place.folder / "cwexport.sqlite3")) as database:
            database.executescript(dump)
    else:
        with psycopg.connect(place.url.replace("postgres://", "postgresql://")) as session:
            session.execute(dump)  # type: ignore[arg-type]
    return place


def batch(number: int, updated: str) -> dict[str, Any]:
    info = {"lastUpdated": updated, "updatedBy": "Accounts"}
    identifier = f"BATCH-{number}"
    return {
        "id": number,
        "batchIdentifier": identifier,
        "exportInvoicesFlag": True,
        "_info": info,
    }


def content(place: Place) -> Content:
    """The rows of every table, by its columns."""
    with closing(_opened(place)) as database:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        if not place.url.startswith("sqlite"):
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        found = {}
        for (table,) in database.execute(tables).fetchall():
            rows = database.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in rows.description]
            found[table] = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
        return found


def _opened(place: Place) -> Any:
    if place.url.startswith("sqlite"):
        return sqlite3.connect(place.folder / "cwexport.sqlite3")
    return psycopg.connect(place.url.replace("postgres://", "postgresql://"))


def lost(before: Content, after: Content) -> list[str]:
    """Rows that are not there any more, by the columns that still are."""
    found = []
    for table, rows in before.items():
        assert after[table], table
        names = sorted(set(rows[0]) & set(after[table][0]))
        missing = Counter(_texts(rows, names)) - Counter(_texts(after[table], names))
        found += [f"{table}: {text}" for text in missing]
    return found


def _texts(rows: list[dict[str, Any]], names: list[str]) -> list[str]:
    return [repr({name: row[name] for name in names}) for row in rows]


def migrate(place: Place, *target: str) -> None:
    done = place.manage("migrate", *target, **KEYS)
    assert done.returncode == 0, done.stderr


def run_python(place: Place, *arguments: str) -> None:
    changes = {"DATABASE_URL": place.url, "DJANGO_SETTINGS_MODULE": "cwexport.settings", **KEYS}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=own_environment(place.folder, **changes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_row_of_one_machine_is_kept(old: Place) -> None:
    before = content(old)
    assert [table for table, rows in before.items() if not rows] == []
    migrate(old)

    # Everybody logs in again, as sessions are rows of users since.
    del before["django_session"]
    assert lost(before, content(old)) == []


def test_every_row_before_several_machines_is_kept(old: Place) -> None:
    migrate(old, "exports", BEFORE_SEVERAL_MACHINES)
    run_python(old, "-m", "tests.upgrades.filling", BEFORE_SEVERAL_MACHINES)
    before = content(old)
    assert [table for table, rows in before.items() if not rows] == []
    migrate(old)

    assert lost(before, content(old)) == []
    run_python(old, "-c", OPEN_PAGES)


def test_upgraded_installation_exports_only_what_is_new(old: Place, stand_in: StandIn) -> None:
    migrate(old)
    stand_in.store.put(batch(5, "2030-01-01T00:00:00Z"))
    done = old.manage("run_task", "Nightly batches", **KEYS)

    assert done.returncode == 0, done.stderr
    newest = "SELECT trigger, batch_count FROM exports_run ORDER BY id DESC LIMIT 1"
    assert old.rows(newest) == [("command", 1)]
    run_python(old, "-c", OPEN_PAGES)
