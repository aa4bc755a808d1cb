"""A new database is made at once; it is what all migrations, one by one, would have made of it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from exports.management.new_database import make_tables
from tests.management import databases
from tests.processes import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)

Describe = Callable[[str], dict[str, Any]]


@pytest.fixture
def describe(tmp_path: Path) -> Describe:
    """Migrate a new database in this way, and return what is in it then."""

    def run(way: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.management.described_database", way]
        folder = tmp_path / way
        folder.mkdir(mode=0o700)
        changes = {"CWEXPORT_DATA_DIR": str(folder), "DATABASE_URL": _url(folder)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment(**changes), capture_output=True, check=True
        )
        described: dict[str, Any] = json.loads(done.stdout)
        return described

    return run


def test_new_database_equals_a_migrated_one(describe: Describe) -> None:
    at_once, one_by_one = describe("own"), describe("djangos")

    assert at_once.keys() == one_by_one.keys()
    for name, found in one_by_one.items():
        assert at_once[name] == found, name
    assert len(at_once["django_migrations"]) > 100
    assert at_once["exports_destination"]


def test_database_with_tables_is_left_alone() -> None:
    assert make_tables(connection) is False


def _url(folder: Path) -> str:
    if databases.are_on_postgresql():
        return databases.address_of(databases.make_copy())
    return f"sqlite:///{folder}/new.sqlite3"
