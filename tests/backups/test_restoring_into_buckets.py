"""A backup is restored into a bucket as into a folder, whatever place its files came from."""

from pathlib import Path

import pytest

from exports.backups.making import Wanted, make_backup
from exports.models import Run, Task
from tests.backups.places import Place
from tests.backups.test_restoring import PASSPHRASE, refusal, restore
from tests.conftest import run_now
from tests.run_files import run_file
from tests.stores import KEYS, S3Path, S3Server

pytestmark = pytest.mark.django_db(transaction=True)


def bucket_settings(server: S3Server) -> dict[str, str]:
    return {"CWEXPORT_FILES": server.setting("restored"), **KEYS}


def restored_file(server: S3Server, run: Run) -> S3Path:
    return S3Path(server.client, f"restored/{run.file_path}")


def backup_of(tmp_path: Path) -> Path:
    target = tmp_path / "a.backup"
    make_backup(target, Wanted(with_keys=True, passphrase=PASSPHRASE))
    return target


@pytest.mark.rule("B2")
@pytest.mark.usefixtures("each_store")
def test_files_come_into_bucket(
    place: Place, task: Task, tmp_path: Path, s3_server: S3Server
) -> None:
    run = run_now(task)

    restore(place, backup_of(tmp_path), **bucket_settings(s3_server))

    assert restored_file(s3_server, run).read_bytes() == run_file(run).read_bytes()
    proof = Path(run.file_path).with_suffix(".json")
    assert S3Path(s3_server.client, f"restored/{proof}").exists()
    # Nothing is left on this machine's disk, where another one would not find it.
    assert list(place.folder.glob("runs/*")) == []
    assert place.manage("check", **bucket_settings(s3_server)).returncode == 0


def test_same_files_in_bucket_are_kept(
    place: Place, task: Task, tmp_path: Path, s3_server: S3Server
) -> None:
    """As after a restore that was killed between its files and its database."""
    run = run_now(task)
    restored_file(s3_server, run).write_bytes(run_file(run).read_bytes())

    restore(place, backup_of(tmp_path), **bucket_settings(s3_server))

    assert restored_file(s3_server, run).read_bytes() == run_file(run).read_bytes()


def test_other_content_in_bucket_is_never_overwritten(
    place: Place, task: Task, tmp_path: Path, s3_server: S3Server
) -> None:
    run = run_now(task)
    restored_file(s3_server, run).write_bytes(b"<Batches>of somebody else</Batches>")

    said = refusal(place, backup_of(tmp_path), **bucket_settings(s3_server))

    assert "with other content than in the backup" in said
    assert f"s3://batches/restored/{run.file_path}" in said
    assert place.is_empty()
    assert restored_file(s3_server, run).read_bytes().startswith(b"<Batches>of somebody else")


def test_bucket_that_is_missing_is_named(
    place: Place, task: Task, tmp_path: Path, s3_server: S3Server
) -> None:
    run_now(task)
    setting = s3_server.setting("restored").replace("//batches/", "//elsewhere/")

    said = refusal(place, backup_of(tmp_path), CWEXPORT_FILES=setting, **KEYS)

    assert "elsewhere" in said
    assert place.is_empty()
