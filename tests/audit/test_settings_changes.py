"""Settings that differ from those of the last start are in the audit log, secrets without value."""

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from exports.models import AuditEntry, Installation

pytestmark = [pytest.mark.django_db, pytest.mark.rule("L1")]
GIVEN = {"CWEXPORT_KEEP_DAYS": "90", "CWEXPORT_SMTP_PASSWORD": "first pa55word", "TIME_ZONE": ""}


def start_with(**given: str) -> None:
    Installation.objects.note_settings({**GIVEN, **given})


def test_first_start_has_nothing_to_compare() -> None:
    start_with()

    assert not AuditEntry.objects.exists()


def test_changed_setting_is_recorded_once() -> None:
    start_with()
    for _ in range(2):
        start_with(CWEXPORT_KEEP_DAYS="30", CWEXPORT_SMTP_PASSWORD="second pa55word", NEW="1")

    entry = AuditEntry.objects.get()
    assert entry.action == "instance.settings_changed"
    assert entry.changes == {
        "CWEXPORT_KEEP_DAYS": ["90", "30"],
        "CWEXPORT_SMTP_PASSWORD": "changed",
        "NEW": ["", "1"],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CWEXPORT_OIDC_CLIENT_SECRET", "s3cret"),
        ("DATABASE_URL", "postgres://anna:s3cret@db/cwexport"),
        ("CWEXPORT_BACKUP_PASSPHRASE", "s3cret"),
        ("CWEXPORT_SOMETHING_NEW", "https://anna:s3cret@example.com"),
    ],
)
def test_secret_setting_has_no_value(name: str, value: str) -> None:
    start_with()
    start_with(**{name: value})
    start_with()

    assert [entry.changes for entry in AuditEntry.objects.all()] == [{name: "changed"}] * 2
    assert "s3cret" not in Installation.objects.get().settings_token


def test_other_encryption_key_is_said(settings: Settings) -> None:
    start_with()
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    start_with(CWEXPORT_KEEP_DAYS="30")

    assert AuditEntry.objects.get().changes == {"CWEXPORT_ENCRYPTION_KEYS": "changed"}
