"""Sessions as rows: who, from where, how long, and what ends them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as installed
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from pytest_django import Settings
from time_machine import Traveller, travel

from exports.models import LoginSession
from exports.models.session_store import SessionStore

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with travel(datetime(2026, 3, 2, 8, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_superuser("Admin1", password=PASSWORD)


def log_in(**headers: str) -> Client:
    client = Client(headers={"User-Agent": "Firefox", **headers}, REMOTE_ADDR="192.0.2.7")
    typed = {"username": "Admin1", "password": PASSWORD}
    assert client.post("/login/", typed).status_code == 302
    return client


def is_open(client: Client) -> bool:
    """Whether the session still works, asked without a person."""
    return client.get("/runs/", headers={"HX-Request": "true"}).status_code == 200


def cookie(client: Client) -> str:
    return client.cookies[installed.SESSION_COOKIE_NAME].value


@pytest.mark.rule("A4")
def test_session_names_user_and_place(user: User) -> None:
    client = log_in()
    row = LoginSession.objects.of(user).get()

    assert (row.user, row.address, row.browser) == (user, "192.0.2.7", "Firefox")
    # Whoever reads the table cannot use what is in it.
    stored = [str(value) for value in LoginSession.objects.values_list().get()]
    assert not any(cookie(client) in text for text in stored)


@pytest.mark.rule("A4")
def test_unused_login_ends_after_eight_hours(user: User, clock: Traveller) -> None:
    client = log_in()
    clock.shift(8 * HOUR - timedelta(seconds=1))
    assert is_open(client)
    clock.shift(timedelta(seconds=1))
    assert not is_open(client)
    assert LoginSession.objects.of(user).count() == 0


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("query", "headers", "is_kept"),
    [
        ("", {}, True),
        ("", {"HX-Request": "true"}, False),
        ("?reloaded=1", {}, False),
    ],
)
def test_only_a_person_keeps_it_alive(
    user: User, clock: Traveller, query: str, headers: dict[str, str], is_kept: bool
) -> None:
    client = log_in()
    for _hour in range(4):
        clock.shift(2 * HOUR + timedelta(minutes=1))
        client.get(f"/runs/{query}", headers=headers)

    assert is_open(client) is is_kept


@pytest.mark.rule("A4")
def test_button_of_a_fragment_counts(user: User, clock: Traveller) -> None:
    client = log_in()
    clock.shift(7 * HOUR)
    client.post("/workflows/steps/", headers={"HX-Request": "true"})
    clock.shift(2 * HOUR)
    assert is_open(client)


@pytest.mark.rule("A4")
def test_used_login_ends_after_twelve_hours(user: User, clock: Traveller) -> None:
    client = log_in()
    for _hour in range(11):
        clock.shift(HOUR)
        assert client.get("/runs/").status_code == 200
    clock.shift(HOUR)
    assert client.get("/runs/").status_code == 302


def test_limits_are_settings(user: User, clock: Traveller, settings: Settings) -> None:
    settings.CWEXPORT_SESSION_IDLE_HOURS = 1
    client = log_in()
    clock.shift(HOUR)
    assert not is_open(client)


def test_use_is_written_once_a_minute(user: User, clock: Traveller) -> None:
    client = log_in()
    clock.shift(timedelta(seconds=59))
    client.get("/runs/")
    row = LoginSession.objects.of(user).get()
    assert row.last_seen_at == row.started_at
    clock.shift(timedelta(seconds=1))
    client.get("/runs/", headers={"User-Agent": "Chromium"})
    row.refresh_from_db()
    assert row.last_seen_at == row.started_at + timedelta(minutes=1)
    assert row.browser == "Chromium"


@pytest.mark.rule("A4")
def test_old_cookie_is_refused_after_logout(user: User) -> None:
    client = log_in()
    replayed = cookie(client)
    client.post("/logout/")
    client.cookies[installed.SESSION_COOKIE_NAME] = replayed

    assert client.get("/runs/").status_code == 302


def test_ended_session_is_not_made_again(user: User) -> None:
    client = log_in()
    under_way = SessionStore(cookie(client))
    under_way["seen"] = True
    LoginSession.objects.of(user).end()

    with pytest.raises(UpdateError):
        under_way.save()
    assert not is_open(client)


@pytest.mark.rule("A4")
def test_new_password_ends_other_sessions(user: User) -> None:
    here, elsewhere = log_in(), log_in()
    before, new = cookie(here), "battery staple 9"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/password/", typed).status_code == 302

    assert is_open(here)
    assert not is_open(elsewhere)
    assert cookie(here) != before
    assert LoginSession.objects.of(user).count() == 1


def test_password_by_command_ends_sessions(user: User) -> None:
    client = log_in()
    user.set_password("battery staple 9")
    user.save()

    assert not is_open(client)


def test_idle_session_leaves_nothing_to_others(user: User, clock: Traveller) -> None:
    client = log_in()
    session = client.session
    session["typed"] = "by Admin1"
    session.save()
    clock.shift(9 * HOUR)
    other = User.objects.create_superuser("Admin2", password=PASSWORD)
    client.post("/login/", {"username": "Admin2", "password": PASSWORD})

    assert "typed" not in client.session
    assert LoginSession.objects.of(other).count() == 1
