"""A backup goes into an empty place only, and is there whole or not at all."""

import secrets
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from exports.backups import archive
from exports.backups.making import Wanted, make_backup
from exports.backups.snapshots import take_snapshot
from exports.backups.versions import FORMAT
from exports.models import Connection, Run, Task
from tests.backups.places import Place
from tests.conftest import run_now
from tests.management.installation import started, wait_until
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def run(task: Task) -> Run:
    return run_now(task)


@pytest.fixture
def backup(run: Run, tmp_path: Path) -> Path:
    target = tmp_path / "a.backup"
    make_backup(target, Wanted(with_keys=True, passphrase=PASSPHRASE))
    return target


def restore(place: Place, backup: Path, *options: str, **changes: str) -> str:
    """What the command said; it must succeed."""
    changes = {"CWEXPORT_BACKUP_PASSPHRASE": PASSPHRASE, **changes}
    done = place.manage("restore", str(backup), *options, **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def refusal(place: Place, backup: Path, *options: str, **changes: str) -> str:
    changes = {"CWEXPORT_BACKUP_PASSPHRASE": PASSPHRASE, **changes}
    done = place.manage("restore", str(backup), *options, **changes)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.rule("B2")
def test_backup_is_restored_on_another_machine(place: Place, backup: Path, run: Run) -> None:
    """Another folder and another database, with keys that the machine made for itself."""
    said = restore(place, backup)

    assert "Everybody is logged out" in said
    assert (place.folder / run.file_path).read_bytes() == _content(run)
    assert (place.folder / run.file_path).with_suffix(".json").exists()
    assert place.rows("SELECT name FROM exports_task") == [("Nightly batches",)]
    # The private key can be read: nothing is said of it, and a run by hand reaches ConnectWise.
    assert "encryption key" not in said
    assert place.manage("check").returncode == 0
    again = place.manage("run_task", "Nightly batches")
    assert again.returncode == 2
    assert "restored from a backup" in again.stderr


@pytest.mark.rule("B2")
def test_keys_of_the_environment_stay(place: Place, backup: Path) -> None:
    other = Fernet.generate_key().decode()
    said = restore(
        place, backup, CWEXPORT_ENCRYPTION_KEYS=other, SECRET_KEY=secrets.token_urlsafe(64)
    )

    assert "Stand-in" in said
    assert other not in (place.folder / "encryption_keys").read_text()


def test_right_keys_by_setting_read_everything(place: Place, run: Run, tmp_path: Path) -> None:
    make_backup(tmp_path / "a.backup", Wanted(passphrase=PASSPHRASE))
    keys = ",".join(settings.CWEXPORT_ENCRYPTION_KEYS)

    assert "encryption key" not in restore(
        place, tmp_path / "a.backup", CWEXPORT_ENCRYPTION_KEYS=keys
    )
    assert Connection.objects.get().is_key_readable


@pytest.mark.rule("B2")
def test_place_that_is_not_empty_is_refused(place: Place, backup: Path) -> None:
    restore(place, backup)
    before = place.rows("SELECT * FROM exports_installation")

    said = refusal(place, backup)

    assert "Nothing was restored" in said
    assert place.rows("SELECT * FROM exports_installation") == before


@pytest.mark.rule("B2")
def test_foreign_files_are_refused_unless_kept(place: Place, backup: Path) -> None:
    (place.folder / "runs").mkdir()
    later = place.folder / "runs" / "run-4711-1-0a1b2c3d.xml"
    later.write_text("exported later")

    assert "--keep-files" in refusal(place, backup)
    assert place.is_empty()
    restore(place, backup, "--keep-files")

    assert later.read_text() == "exported later"
    assert _next_number(place) > 4711


@pytest.mark.rule("B2")
@pytest.mark.parametrize("damage", ["cut off", "altered", "other passphrase"])
def test_damaged_backup_changes_nothing(place: Place, backup: Path, damage: str) -> None:
    whole = backup.read_bytes()
    changes = {}
    if damage == "cut off":
        backup.write_bytes(whole[:-100])
    elif damage == "altered":
        backup.write_bytes(whole[:-100] + b"x" + whole[-99:])
    else:
        changes = {"CWEXPORT_BACKUP_PASSPHRASE": "some other passphrase"}

    refusal(place, backup, **changes)

    assert place.is_empty()
    left = {path.name for path in place.folder.iterdir()}
    assert left <= {"secret_key", "encryption_keys"}


@pytest.mark.rule("B2", "B5")
@pytest.mark.parametrize(
    "change", [{"format": FORMAT + 1}, {"migrations": [["exports", "9999_x"]]}]
)
def test_backup_of_newer_version_is_refused(
    place: Place, run: Run, tmp_path: Path, change: dict[str, object]
) -> None:
    snapshot = take_snapshot(tmp_path)
    about = {"format": FORMAT, "database": connection.vendor, "migrations": [], **change}
    with (tmp_path / "newer").open("wb") as stream:
        writer = archive.ArchiveWriter(stream, about)
        writer.add_file(snapshot.member, snapshot.file)
        writer.finish()

    assert "newer version" in refusal(place, tmp_path / "newer")
    assert place.is_empty()


@pytest.mark.rule("B2")
def test_other_kind_of_database_is_refused(place: Place, run: Run, tmp_path: Path) -> None:
    kind = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    with (tmp_path / "other").open("wb") as stream:
        about = {"format": FORMAT, "database": kind, "migrations": [], "database_bytes": 0}
        archive.ArchiveWriter(stream, about).finish()

    assert "can be restored into" in refusal(place, tmp_path / "other")


@pytest.mark.rule("B2")
@pytest.mark.parametrize("sign", [".restore-*/database*", ".restore-*/runs/*", "runs/*"])
def test_killed_restore_can_be_made_again(
    place: Place, backup: Path, run: Run, tmp_path: Path, sign: str
) -> None:
    changes = {"DATABASE_URL": place.url, "CWEXPORT_BACKUP_PASSPHRASE": PASSPHRASE}
    command = ("restore", str(backup))
    with started(*command, folder=place.folder, log=tmp_path / "log", **changes) as process:
        wait_until(lambda: any(place.folder.glob(sign)) or process.poll() is not None)
        process.kill()
        process.wait()

    settings = {"CWEXPORT_BACKUP_PASSPHRASE": PASSPHRASE}
    again = place.manage("restore", str(backup), **settings)
    if "--finish" in again.stderr:
        # On PostgreSQL the data may be there already; it is marked until the rest is done.
        done = place.manage("restore", "--finish")
        assert done.returncode == 0, done.stderr
    elif process.returncode == 0:
        # The kill came when all was done.
        assert "Nothing was restored" in again.stderr
    else:
        assert again.returncode == 0, again.stderr
    assert place.rows("SELECT restored_at IS NULL FROM exports_installation") == [(False,)]
    assert place.rows("SELECT file_path FROM exports_run") == [(run.file_path,)]
    assert (place.folder / run.file_path).exists()
    assert not list(place.folder.glob(".restore-*"))


@pytest.mark.rule("B2")
def test_unfinished_restore_is_not_used(place: Place, backup: Path) -> None:
    restore(place, backup)
    place.execute("CREATE TABLE cwexport_restored AS SELECT '2026-11-30T01:00:00+00:00' AS made_at")

    assert "--finish" in place.manage("run_task", "Nightly batches").stderr
    assert "finished" in place.manage("restore", "--finish").stdout
    assert "--finish" not in place.manage("run_task", "Nightly batches").stderr


def _next_number(place: Place) -> int:
    if connection.vendor == "sqlite":
        return int(place.rows("SELECT seq FROM sqlite_sequence WHERE name = 'exports_run'")[0][0])
    return int(place.rows("SELECT last_value FROM exports_run_id_seq")[0][0])


def _content(run: Run) -> bytes:
    return run_file(run).read_bytes()
