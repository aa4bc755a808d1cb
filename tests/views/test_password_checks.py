"""Guessing passwords: what is counted, who is locked out, and who is not."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import HttpResponse
from django.test import Client, RequestFactory

from exports.views.password_checks import MAX_AT_ONCE, MAX_OF_ONE_ADDRESS, turn

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


def log_in(
    client: Client, password: str = PASSWORD, name: str = "Admin1", **environ: Any
) -> HttpResponse:
    return client.post("/login/", {"username": name, "password": password}, **environ)


def lock(name: str = "Admin1", **environ: Any) -> None:
    while log_in(Client(), "wrong", name, **environ).status_code != 429:
        pass


def test_many_names_from_one_address_are_limited(user: User) -> None:
    answers = [
        log_in(Client(), "wrong", f"name {n}").status_code for n in range(MAX_OF_ONE_ADDRESS)
    ]
    assert set(answers) == {200}
    assert log_in(Client()).status_code == 429
    assert log_in(Client(REMOTE_ADDR="192.0.2.7")).status_code == 302


def test_addresses_of_one_ipv6_network_are_one(user: User) -> None:
    for n in range(10):
        log_in(Client(), "wrong", REMOTE_ADDR=f"2001:db8::{n}:1")
    assert log_in(Client(), REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert log_in(Client(), REMOTE_ADDR="2001:db8:0:1::1").status_code == 302


def test_lock_ends_although_somebody_goes_on(user: User) -> None:
    lock()
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=14))
    assert log_in(Client(), "wrong").status_code == 429
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=2))
    assert log_in(Client()).status_code == 302


def test_known_browser_is_not_locked_by_others(user: User) -> None:
    known = Client()
    assert log_in(known).status_code == 302
    known.post("/logout/")
    lock()
    for n in range(MAX_OF_ONE_ADDRESS):
        log_in(Client(), "wrong", f"name {n}")
    assert log_in(known).status_code == 302


def test_known_browser_has_a_limit_too(user: User) -> None:
    known = Client()
    log_in(known)
    known.post("/logout/")
    answers = [log_in(known, "wrong").status_code for _ in range(10)]
    assert (answers[-1], log_in(known).status_code) == (429, 429)


def test_cookie_of_another_name_makes_no_browser_known(user: User) -> None:
    known = Client()
    log_in(known)
    known.post("/logout/")
    lock("Other1")
    assert log_in(known, "wrong", "Other1").status_code == 429


def test_wrong_old_passwords_are_limited(signed_in: Client) -> None:
    new = "battery staple 9"
    fields = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    answers = [signed_in.post("/password/", fields).status_code for _ in range(10)]
    assert answers[-1] == 429
    right = {**fields, "old_password": PASSWORD}
    assert signed_in.post("/password/", right).status_code == 429


@pytest.mark.parametrize(
    "password",
    [
        "abcdefgh",
        "aaaaaaaaaaaa",
        "ababababababab",
        "123456789012345",
        "Admin1Admin1",
        "password1234",
        "2026-12-31 2027",
        "!@#$%^&*()_+-=",
        "Dragon-2026!!",
        "P@ssw0rd2026!",
        "monkeymonkey12",
        "ConnectWise2026",
        "cwexport-admin-1",
        "Accounting!Batches",
    ],
)
def test_weak_password_is_refused(user: User, password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, user)


@pytest.mark.parametrize(
    "password",
    [
        "battery staple 9",
        "Pferde fressen Gras",
        "dragon wind teapot",
        "密码不是这个样子的呢好吗",
        "x7Kq-92Lm-4Zt",
    ],
)
def test_good_password_is_taken(user: User, password: str) -> None:
    validate_password(password, user)


def test_checks_under_way_leave_pages_free(user: User, rf: RequestFactory) -> None:
    with ExitStack() as stack:
        for n in range(MAX_AT_ONCE):
            request = rf.post("/login/", REMOTE_ADDR=f"192.0.2.{n}")
            assert stack.enter_context(turn(request, "Admin1"))
        busy = log_in(Client())
        assert (busy.status_code, busy.headers["Retry-After"]) == (429, "3")
        assert "Wait a few seconds" in busy.content.decode()
        assert Client().get("/login/").status_code == 200
    assert log_in(Client()).status_code == 302


def test_guesses_from_many_addresses_leave_others_room(user: User, rf: RequestFactory) -> None:
    with ExitStack() as stack:
        for n in range(MAX_AT_ONCE):
            address = f"192.0.2.{n}"
            log_in(Client(), "wrong", "Admin1", REMOTE_ADDR=address)
            stack.enter_context(turn(rf.post("/login/", REMOTE_ADDR=address), "Admin1"))
        one_more = rf.post("/login/", REMOTE_ADDR="192.0.2.0")
        assert not stack.enter_context(turn(one_more, "Admin1"))
        assert log_in(Client(REMOTE_ADDR="192.0.2.9")).status_code == 302


def test_one_address_takes_two_turns(rf: RequestFactory) -> None:
    request = rf.post("/login/")
    with turn(request, "a") as first, turn(request, "b") as second, turn(request, "c") as third:
        assert (first, second, third) == (True, True, False)
    with turn(request, "d") as later:
        assert later


def test_administration_has_no_login_of_its_own(client: Client, signed_in: Client) -> None:
    page = "/admin/login/?next=/admin/auth/user/"
    assert client.get(page).headers["Location"] == "/login/?next=/admin/auth/user/"
    assert client.post(page, {"username": "a"}).headers["Location"].startswith("/login/")
    assert signed_in.get(page).status_code == 403
