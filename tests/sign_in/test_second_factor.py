"""Logging in with a second factor: what is taken, once, and what is refused in words."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from exports.models import LoginSession, secrets
from exports.sign_in import factors
from tests.sign_in.conftest import PASSWORD, App, type_code, type_password

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A3")]
HOME = "/connections/"


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_code_is_asked_after_password(client: Client, app: App) -> None:
    assert type_password(client, next=HOME) == "/login/second-factor/"
    assert not is_in(client)

    response = client.post("/login/second-factor/", {"code": app.code()})
    assert response.headers["Location"] == HOME
    assert is_in(client)


def test_wrong_code_lets_nobody_in(client: Client, app: App) -> None:
    type_password(client)
    status, page = type_code(client, "000000" if app.code() != "000000" else "111111")

    assert status == 200
    assert "This code is not right." in page
    assert not is_in(client)


def test_code_works_in_one_browser_only(client: Client, app: App) -> None:
    code = app.code()
    type_password(client)
    assert type_code(client, code)[0] == 302

    other = Client()
    type_password(other)
    assert "This code was used already." in type_code(other, code)[1]
    assert not is_in(other)


@pytest.mark.parametrize(("minutes", "word"), [(-5, "5 minutes old"), (5, "5 minutes from now")])
def test_clock_five_minutes_off_is_named(client: Client, app: App, minutes: int, word: str) -> None:
    type_password(client)
    status, page = type_code(client, app.code(minutes))

    assert (status, word in page) == (200, True)
    assert not is_in(client)


def test_code_told_to_be_early_stays_refused(client: Client, app: App) -> None:
    type_password(client)
    early = app.code(5)
    type_code(client, early)

    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert "This code was used already." in type_code(client, early)[1]


def test_second_step_needs_the_first(client: Client, app: App) -> None:
    assert type_code(client, app.code())[0] == 302
    assert not is_in(client)


def test_second_step_ends_after_ten_minutes(client: Client, app: App) -> None:
    type_password(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post("/login/second-factor/", {"code": app.code()}).status_code == 302
        assert not is_in(client)


def test_new_password_ends_a_half_login(client: Client, user: User, app: App) -> None:
    type_password(client)
    user.set_password("battery staple 9")
    user.save()

    type_code(client, app.code())
    assert not is_in(client)


def test_wrong_codes_are_limited_from_everywhere(app: App) -> None:
    for number in range(10):
        guesser = Client(REMOTE_ADDR=f"192.0.2.{number}")
        type_password(guesser)
        status, _page = type_code(guesser, "000000")
    assert status == 429

    guesser = Client(REMOTE_ADDR="192.0.2.99")
    type_password(guesser)
    status, page = type_code(guesser, app.code())
    assert (status, "too many wrong codes" in page) == (429, True)
    assert not is_in(guesser)


def test_known_browser_is_not_locked_by_guesses(client: Client, app: App) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=2)):
        type_password(client)
        type_code(client, app.code())
    client.post("/logout/")
    for _ in range(10):
        guesser = Client()
        type_password(guesser)
        type_code(guesser, "000000")

    type_password(client)
    assert type_code(client, app.code())[0] == 302


def test_typed_name_locks_no_second_factor(client: Client, user: User, app: App) -> None:
    for _ in range(10):
        stranger = Client(REMOTE_ADDR="192.0.2.9")
        named = {"username": f"second factor of {user.username}", "password": "wrong"}
        stranger.post("/login/", named)

    type_password(client)
    assert type_code(client, app.code())[0] == 302


def test_second_step_of_strangers_keeps_nothing(client: Client, user: User) -> None:
    for send in (client.get, client.post):
        assert send("/login/second-factor/").headers["Location"] == "/login/"
    assert not LoginSession.objects.exists()


@pytest.mark.parametrize("are_kept", [False, True])
def test_recovery_code_works_once(client: Client, user: User, app: App, are_kept: bool) -> None:
    code, other_code = factors.factors_of(user).shown_codes[:2]
    if are_kept:
        factors.mark_codes_kept(user)
    type_password(client)
    assert type_code(client, f"{code[:4]} {code[4:]}")[0] == 302
    assert is_in(client)

    other = Client()
    type_password(other)
    assert "This code is not right." in type_code(other, code)[1]
    assert factors.factors_of(user).left_count == 9
    assert type_code(other, other_code)[0] == 302


def test_kept_recovery_codes_are_only_hashes(client: Client, user: User, app: App) -> None:
    codes = factors.factors_of(user).shown_codes
    factors.mark_codes_kept(user)
    data = Authenticator.objects.get(user=user, type="recovery_codes").data

    assert not {"seed", "migrated_codes"} & data.keys()
    readable = str(data) + secrets.decrypt(data["hashes"])
    assert not [code for code in codes if code in readable]
    assert factors.factors_of(user).shown_codes == []
    assert factors.rotate_factors() == 2
    type_password(client)
    assert type_code(client, codes[7])[0] == 302


def test_recovery_codes_kept_by_earlier_version_are_hashed(
    client: Client, user: User, app: App
) -> None:
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    codes = factors.factors_of(user).shown_codes
    row.data |= {"viewed_at": 1.0, "used_mask": 1}
    row.save()
    type_password(client)

    assert type_code(client, codes[0])[0] == 200
    assert type_code(client, codes[1])[0] == 302
    row.refresh_from_db()
    assert "seed" not in row.data
    assert factors.factors_of(user).left_count == 8


def test_secrets_are_encrypted_at_rest(user: User, app: App) -> None:
    rows = {row.type: row.data for row in Authenticator.objects.filter(user=user)}

    assert app.secret not in str(rows)
    assert rows["totp"]["secret"].startswith("gAAAA")
    assert rows["recovery_codes"]["seed"].startswith("gAAAA")


def test_other_encryption_key_is_said_in_words(
    client: Client, app: App, settings: Settings
) -> None:
    type_password(client)
    settings.CWEXPORT_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    status, page = type_code(client, app.code())
    assert (status, "CWEXPORT_ENCRYPTION_KEYS" in page) == (200, True)


def test_app_is_set_up_with_its_first_code(signed_in: Client, user: User) -> None:
    prove(signed_in)
    page = signed_in.get("/account/login/app/").content.decode()
    secret = "".join(re.findall(r'<code class="break">([A-Z2-7 ]+)<', page)[0].split())
    assert 'src="data:image/svg+xml;base64,' in page

    wrong = signed_in.post("/account/login/app/", {"code": "1"}).content.decode()
    assert "This code is not right." in wrong
    assert secret[:4] in wrong  # a typing error costs no new scan
    assert not factors.has_factor(user)

    response = signed_in.post("/account/login/app/", {"code": App(secret).code()})
    assert response.headers["Location"] == "/account/login/recovery-codes/"
    assert factors.has_factor(user)
    assert secret not in str(dict(signed_in.session))


def test_recovery_codes_are_shown_until_kept(signed_in: Client, user: User, app: App) -> None:
    prove(signed_in, app)
    code = factors.factors_of(user).shown_codes[0]
    shown = f"{code[:4]} {code[4:]}"

    for address in ("/account/login/recovery-codes/", "/account/login/recovery-codes/download/"):
        assert shown in signed_in.get(address).content.decode()
    signed_in.post("/account/login/recovery-codes/")
    for address in ("/account/login/recovery-codes/", "/account/login/recovery-codes/download/"):
        assert signed_in.get(address).status_code == 404

    signed_in.post("/account/login/recovery-codes/new/")
    assert code not in factors.factors_of(user).shown_codes


def test_old_login_must_be_confirmed(signed_in: Client, user: User, app: App) -> None:
    shown = {"Referer": "http://testserver/account/login/"}
    response = signed_in.post("/account/login/app/remove/", headers=shown)
    assert response.headers["Location"] == "/account/login/confirm/?next=%2Faccount%2Flogin%2F"
    assert factors.has_factor(user)

    prove(signed_in, app)
    signed_in.post("/account/login/app/remove/")
    assert not factors.has_factor(user)
    assert not Authenticator.objects.filter(user=user).exists()


def test_confirming_takes_the_password(signed_in: Client) -> None:
    page = "/account/login/confirm/?next=/account/login/app/"
    wrong = signed_in.post(page, {"password": "wrong"})
    assert "This is not your password." in wrong.content.decode()
    assert signed_in.post(page, {"password": PASSWORD}).headers["Location"] == "/account/login/app/"


def prove(client: Client, app: App | None = None) -> None:
    proof = {"code": app.code()} if app else {"password": PASSWORD}
    assert client.post("/account/login/confirm/", proof).status_code == 302


def test_required_factor_comes_before_all(
    signed_in: Client, user: User, settings: Settings
) -> None:
    settings.CWEXPORT_SECOND_FACTOR = "required"

    assert signed_in.get(HOME).headers["Location"] == "/account/login/"
    assert signed_in.post("/tasks/1/run/").headers["Location"] == "/account/login/"
    fragment = signed_in.get("/changes/", headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == "/account/login/"
    assert "requires a second factor" in signed_in.get("/account/login/").content.decode()

    factors.add_app(user, "JBSWY3DPEHPK3PXP", step=0)
    assert is_in(signed_in)


def test_last_required_factor_stays(
    signed_in: Client, user: User, app: App, settings: Settings
) -> None:
    settings.CWEXPORT_SECOND_FACTOR = "required"
    prove(signed_in, app)

    page = signed_in.post("/account/login/app/remove/", follow=True).content.decode()

    assert "add another one before the last goes" in page
    assert factors.has_factor(user)


def test_switched_off_factor_is_not_asked(client: Client, app: App, settings: Settings) -> None:
    settings.CWEXPORT_SECOND_FACTOR = "off"

    assert type_password(client) == "/"
    assert is_in(client)
