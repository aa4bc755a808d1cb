"""The way in that stays, the reset of lost factors, and what the audit log knows of logins."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from exports.access.roles import Role, set_role
from exports.models.audit import AuditEntry
from exports.models.emergency_logins import EmergencyLogin
from exports.sign_in import factors
from tests.sign_in.conftest import PASSWORD, App, type_code, type_password
from tests.sign_in.providers import sign_on_at

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A3")]


def printed_link(capsys: pytest.CaptureFixture[str]) -> str:
    call_command("emergency_login", "Admin1")
    return capsys.readouterr().out.strip().removeprefix("http://127.0.0.1:8000")


def test_link_lets_in_once_without_password_and_factor(
    client: Client, app: App, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CWEXPORT_SIGN_ON = sign_on_at("http://127.0.0.1:9")
    settings.CWEXPORT_PASSWORD_LOGIN = False
    link = printed_link(capsys)

    # Looking alone, as a mail program does, uses nothing up.
    assert "logs you in as Admin1" in client.get(link).content.decode()
    assert client.post(link).headers["Location"] == "/"
    assert client.get("/connections/").status_code == 200
    assert Client().post(link).status_code == 410
    assert link.split("/")[-2] not in str(EmergencyLogin.objects.values())


def test_link_ends_after_a_quarter_of_an_hour(
    client: Client, user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    link = printed_link(capsys)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        response = client.post(link)
    assert (response.status_code, "no longer valid" in response.content.decode()) == (410, True)


def test_newer_link_voids_the_older(
    client: Client, user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newer = printed_link(capsys), printed_link(capsys)

    assert client.get(older).status_code == 410
    assert client.get(newer).status_code == 200


def test_unknown_name_is_said_in_words(db: None) -> None:
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("emergency_login", "nobody")


def test_admin_resets_the_factor_of_another(signed_in: Client) -> None:
    other = User.objects.create_user("Clerk1", password=PASSWORD)
    factors.add_app(other, "JBSWY3DPEHPK3PXP", step=0)
    signed_in.post("/account/login/confirm/", {"password": PASSWORD})

    signed_in.post(f"/settings/users/{other.pk}/reset-factors/")

    assert not factors.has_factor(other)
    entry = AuditEntry.objects.get(action="user.factors_reset")
    assert (entry.object_name, entry.actor_name) == ("Clerk1", "Admin1")


def test_operator_resets_nobody(client: Client, app: App, user: User) -> None:
    operator = User.objects.create_user("Clerk1", password=PASSWORD)
    set_role(operator, Role.OPERATOR)
    client.force_login(operator)

    assert client.post(f"/settings/users/{user.pk}/reset-factors/").status_code == 403
    assert factors.has_factor(user)


@pytest.mark.rule("L1")
def test_logins_are_in_the_audit_log(client: Client, app: App) -> None:
    client.post("/login/", {"username": "Admin1", "password": "wrong"})
    client.post("/login/", {"username": "my secret password", "password": ""})
    client.post("/login/", {"username": "my secret password", "password": "x"})
    type_password(client)
    type_code(client, "000000")
    type_code(client, app.code())
    client.post("/logout/")

    assert entries() == [
        ("user.factor_added", "Admin1", {"second factor": ["", "totp"]}),
        ("user.login_failed", "Admin1", {"reason": ["", "password"]}),
        # What is no name here may be a password.
        ("user.login_failed", "", {"reason": ["", "password"]}),
        ("user.login_failed", "Admin1", {"reason": ["", "second factor"]}),
        ("user.logged_in", "Admin1", {"method": ["", "password"]}),
        ("user.logged_out", "Admin1", {}),
    ]


def entries() -> list[tuple[str, str, Any]]:
    rows = AuditEntry.objects.order_by("pk")
    return [(row.action, row.object_name, row.changes) for row in rows]


def test_rotating_keys_covers_second_factors(
    client: Client, app: App, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    new = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    settings.CWEXPORT_ENCRYPTION_KEYS = [new, *settings.CWEXPORT_ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.CWEXPORT_ENCRYPTION_KEYS = [new]

    assert "Second factors: encrypted" in capsys.readouterr().out
    type_password(client)
    assert type_code(client, app.code())[0] == 302
