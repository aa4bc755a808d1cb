"""A broken database or a wrong encryption key gives a sentence, never a traceback."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from pytest_django import Settings

from exports.models import Connection
from exports.workers.start_checks import unreadable_keys
from tests.management.installation import free_port, manage


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["createsuperuser", "--noinput", "--username", "a", "--email", "a@example.com"],
        ["serve", "--port", "PORT"],
        ["worker"],
        ["run_task", "Nightly"],
        ["dump_config"],
        ["rotate_keys"],
        ["adopt_data_folder"],
    ],
)
def test_missing_database_is_reported_in_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "cwexport.sqlite3").write_text("<html>" * 1000)
    arguments = [str(free_port()) if word == "PORT" else word for word in arguments]

    done = manage(*arguments, folder=tmp_path)

    assert done.returncode in (1, 2)
    assert "is no SQLite database" in done.stderr or "not a database" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "cwexport.sqlite3").read_text() == "<html>" * 1000


def test_folder_as_database_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cwexport.sqlite3").mkdir()

    done = manage("migrate", folder=tmp_path)

    assert done.returncode == 1
    assert "unable to open database file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_wrong_encryption_key_is_reported_at_start(
    connection: Connection, settings: Settings
) -> None:
    assert unreadable_keys() == []
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    [sentence] = unreadable_keys()

    assert connection.name in sentence
    assert "CWEXPORT_ENCRYPTION_KEYS" in sentence


@pytest.mark.django_db
def test_wrong_encryption_key_is_reported_on_home(
    connection: Connection, settings: Settings, admin_client: Client
) -> None:
    assert "cannot be decrypted" not in admin_client.get("/").content.decode()
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    page = admin_client.get("/").content.decode()

    assert "cannot be decrypted" in page
    assert f"/connections/{connection.pk}/" in page
