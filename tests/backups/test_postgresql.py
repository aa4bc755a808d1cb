"""What only PostgreSQL has: its programs, and altered dumps; collected there alone."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from exports.backups import archive
from exports.backups.errors import BackupError
from exports.backups.making import Wanted, make_backup
from exports.models import Run, Task
from tests.backups.places import Place
from tests.conftest import run_now

pytestmark = pytest.mark.django_db(transaction=True)

_ACCOUNT = "cwexport_restorer"


@pytest.fixture
def plain(task: Task, tmp_path: Path) -> Path:
    """A backup that is not encrypted."""
    run_now(task)
    make_backup(tmp_path / "plain.backup", Wanted())
    return tmp_path / "plain.backup"


@pytest.fixture
def small(place: Place) -> Iterator[Place]:
    """The place, for an account that owns its database and has no other right."""
    name = place.url.rpartition("/")[2]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {_ACCOUNT}")
        cursor.execute(f"CREATE ROLE {_ACCOUNT} LOGIN PASSWORD '{_ACCOUNT}'")
        cursor.execute(f'ALTER DATABASE "{name}" OWNER TO {_ACCOUNT}')
    used = connection.settings_dict
    where = f"{used['HOST']}:{used['PORT']}/{name}"
    yield replace(place, url=f"postgres://{_ACCOUNT}:{_ACCOUNT}@{where}")
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        cursor.execute(f"DROP ROLE {_ACCOUNT}")
        cursor.execute(f'CREATE DATABASE "{name}"')


@pytest.mark.rule("B2")
def test_plain_backup_is_restored_with_few_rights(small: Place, plain: Path) -> None:
    keys = {"CWEXPORT_BACKUP_PASSPHRASE": ""}

    done = small.manage("restore", str(plain), **keys)

    assert done.returncode == 0, done.stderr
    assert small.rows("SELECT name FROM exports_task") == [("Nightly batches",)]
    [(batches,)] = small.rows("SELECT count(*) FROM exports_ledgerentry")
    assert batches == Run.objects.get().batch_count


@pytest.mark.rule("B2")
@pytest.mark.parametrize(
    ("line", "is_first"),
    [
        ("\\! touch {sign}", True),
        ("SELECT 'touch {sign}' \\g |sh", False),
        ("\\restrict x y \\! touch {sign}", True),
        ("COPY (SELECT 1) TO PROGRAM 'touch {sign}';", False),
        ("SELECT lo_export(lo_from_bytea(0, 'x'), '{sign}');", True),
    ],
)
def test_altered_backup_runs_nothing(
    small: Place, plain: Path, tmp_path: Path, line: str, is_first: bool
) -> None:
    sign = tmp_path / "ran"
    altered = _with_line(plain, line.format(sign=sign), is_first=is_first)

    said = small.manage("restore", str(altered)).stderr

    assert "PostgreSQL refused the backup" in said
    assert "Traceback" not in said
    assert not sign.exists()
    assert small.is_empty()


@pytest.mark.rule("B2")
def test_plain_backup_is_refused_to_superusers(place: Place, plain: Path) -> None:
    """They may run programs on the database server, and SQL is enough for that."""
    said = place.manage("restore", str(plain)).stderr

    assert "is no superuser" in said
    assert place.is_empty()
    assert not list(place.folder.glob("runs/*"))


def _with_line(backup: Path, line: str, *, is_first: bool) -> Path:
    """The backup with one more line of SQL, and hashes that fit."""
    altered = backup.with_name("altered.backup")
    with tarfile.open(backup) as tar, altered.open("wb") as stream:
        members = {entry.name: tar.extractfile(entry) for entry in tar}
        contents = {name: member.read() for name, member in members.items() if member}
        about = json.loads(contents.pop(archive.ABOUT))
        writer = archive.ArchiveWriter(stream, about)
        contents.pop(archive.MANIFEST)
        for name, content in contents.items():
            if name == archive.DATABASES["postgresql"]:
                added = f"{line}\n".encode()
                content = added + content if is_first else content + added
            writer._add(name, io.BytesIO(content), len(content))
        writer.finish()
    return altered


def test_missing_tool_is_a_sentence(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="not installed"):
        make_backup(tmp_path / "a.backup", Wanted())
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(BackupError, match="of version 9"):
        make_backup(tmp_path / "a.backup", Wanted())
