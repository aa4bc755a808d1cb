"""rotate_keys: every private key under the first encryption key, or nothing changed (rule C3)."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings

from exports.models import Channel, ChannelSecretError, Connection

pytestmark = pytest.mark.django_db


def save(name: str, private_key: str) -> Connection:
    made = Connection(name=name, site="https://cw.example.com", company="c", public_key="p")
    made.write_private_key(private_key)
    made.save()
    return made


def tokens() -> list[str]:
    return list(Connection.objects.order_by("name").values_list("private_key_token", flat=True))


@pytest.mark.rule("C3")
def test_old_key_is_not_needed_after_rotation(settings: Settings) -> None:
    first, second = save("Acme", "one"), save("Beta", "two")
    new = Fernet.generate_key().decode()
    settings.CWEXPORT_ENCRYPTION_KEYS = [new, *settings.CWEXPORT_ENCRYPTION_KEYS]
    out = io.StringIO()

    call_command("rotate_keys", stdout=out)

    settings.CWEXPORT_ENCRYPTION_KEYS = [new]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.read_private_key(), second.read_private_key()) == ("one", "two")
    assert out.getvalue() == (
        "Acme: encrypted with the first encryption key.\n"
        "Beta: encrypted with the first encryption key.\n"
    )


def test_lost_key_names_connection_and_changes_nothing(
    settings: Settings,
) -> None:
    known = settings.CWEXPORT_ENCRYPTION_KEYS
    save("Acme", "one")
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    save("Lost", "two")
    settings.CWEXPORT_ENCRYPTION_KEYS = known
    before, out, params = tokens(), io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("rotate_keys", stdout=out, stderr=params)

    assert (ended.value.code, out.getvalue(), tokens()) == (1, "", before)
    assert params.getvalue() == (
        "The private key of connection Lost cannot be decrypted with this installation's "
        "encryption key. Put back the key it was saved with (CWEXPORT_ENCRYPTION_KEYS) or enter "
        "the private key again on the connection.\nNothing was changed.\n"
    )


def test_without_connections_there_is_nothing_to_rotate() -> None:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue() == "There are no connections.\n"


@pytest.mark.rule("C3")
def test_secrets_of_channels_are_rotated(settings: Settings) -> None:
    channel = Channel(name="Hook", kind="webhook")
    channel.write_secrets({"secret": "correct horse"})
    channel.save()
    old = settings.CWEXPORT_ENCRYPTION_KEYS
    new = Fernet.generate_key().decode()
    settings.CWEXPORT_ENCRYPTION_KEYS = [new, *old]

    call_command("rotate_keys", stdout=io.StringIO())

    channel.refresh_from_db()
    settings.CWEXPORT_ENCRYPTION_KEYS = [new]
    assert channel.read_secrets() == {"secret": "correct horse"}
    settings.CWEXPORT_ENCRYPTION_KEYS = old
    with pytest.raises(ChannelSecretError, match="Hook"):
        channel.read_secrets()
