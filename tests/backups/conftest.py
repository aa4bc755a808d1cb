"""A second, empty installation on the same kind of database, for backups to be restored into."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.backups.places import Place
from tests.management.databases import address_of

if not os.environ.get("CWEXPORT_TEST_DATABASE_URL", "").startswith("postgres"):
    collect_ignore = ["test_postgresql.py"]


@pytest.fixture
def place(db: None, tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "restored"
    folder.mkdir(mode=0o700)
    if connection.vendor == "sqlite":
        yield Place(folder, f"sqlite:///{folder}/cwexport.sqlite3")
        return
    name = f"restored_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield Place(folder, address_of(name))
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
