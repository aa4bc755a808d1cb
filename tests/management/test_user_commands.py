"""`create_user`, `end_sessions`, and the link that `serve` prints for the first login."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from exports.models import LoginSession, OneTimeLink
from exports.models.audit import AuditEntry
from tests.management.installation import free_port, install, manage, serve_process, wait_until

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_create_user_prints_an_invitation(client: Client, settings: Settings) -> None:
    settings.CWEXPORT_PUBLIC_URL = "https://cw.example.com"
    printed = run("create_user", "Kim", "--role", "operator")
    assert printed.startswith("https://cw.example.com/link/")
    link = OneTimeLink.objects.get()
    assert (link.user_name, link.role, link.created_by) == ("Kim", "operator", "create_user")

    newer = run("create_user", "Kim")
    pages = [client.get(url.removeprefix("https://cw.example.com")) for url in (printed, newer)]
    assert [page.status_code for page in pages] == [410, 200]


@pytest.mark.parametrize(("name", "sentence"), [("kim", "is a user already"), ("a b", "valid")])
def test_create_user_refuses_in_words(name: str, sentence: str) -> None:
    User.objects.create_user("Kim")
    with pytest.raises(CommandError, match=sentence):
        run("create_user", name)


@pytest.mark.rule("L1")
def test_createsuperuser_is_in_the_audit_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a horse called Winter")
    run("createsuperuser", "--noinput", "--username", "Kim", "--email", "kim@example.com")

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_name, entry.actor_kind) == ("user.created", "Kim", "command")
    assert entry.changes == {"role": ["", "admin"]}
    assert User.objects.get().check_password("a horse called Winter")
    with pytest.raises(CommandError, match="already taken"):
        run("createsuperuser", "--noinput", "--username", "KIM", "--email", "kim@example.com")


def _typing(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> None:
    typed = iter(passwords)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))


@pytest.mark.rule("A4", "L1")
def test_changepassword_ends_sessions(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_user("Kim", password="the old one of 2025")
    client.force_login(user)
    new = "a horse called Winter"
    _typing(monkeypatch, "short", "short", new, "another", new, new)

    run("changepassword", "Kim")

    assert User.objects.get().check_password(new)
    assert not LoginSession.objects.of(user).exists()
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor_kind) == ("user.password_changed", "command")
    assert new not in str(entry.changes)


def test_changepassword_gives_up_after_three(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("Kim", password="the old one of 2025")
    _typing(monkeypatch, *["123456789012"] * 6)

    with pytest.raises(CommandError, match="Nothing was changed"):
        run("changepassword", "Kim")

    assert User.objects.get().check_password("the old one of 2025")
    assert not AuditEntry.objects.exists()
    with pytest.raises(CommandError, match="no user kim"):
        run("changepassword", "kim")


@pytest.mark.rule("L1", "L2")
@pytest.mark.parametrize("command", [("flush", "--noinput"), ("loaddata", "users.json")])
def test_commands_past_the_log_are_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    done = manage(*command, folder=tmp_path)

    assert done.returncode == 1
    assert "audit log" in done.stderr


def test_end_sessions_ends_them_all(client: Client) -> None:
    user = User.objects.create_user("Kim")
    client.force_login(user)
    assert run("end_sessions", "Kim") == "1 session was ended."
    assert run("end_sessions", "Kim") == "0 sessions were ended."

    assert LoginSession.objects.of(user).count() == 0
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_name, entry.actor_kind) == (
        "session.ended",
        "Kim",
        "command",
    )
    with pytest.raises(CommandError, match="There is no user kim"):
        run("end_sessions", "kim")


@pytest.mark.rule("A2")
def test_serve_prints_set_up_link_once(tmp_path: Path) -> None:
    folder, log, port = install(tmp_path / "data"), tmp_path / "serve.log", free_port()
    with serve_process(folder, log, "--port", str(port), "--workers", "1"):
        wait_until(lambda: "The dashboard is at" in log.read_text())
        found = re.findall(rf"http://127\.0\.0\.1:{port}/link/[\w-]{{43}}/", log.read_text())
        assert len(found) == 1
