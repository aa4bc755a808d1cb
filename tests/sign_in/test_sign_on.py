"""Single sign-on at a real provider: who gets in, as whom, and with which role."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from exports.access.roles import Role, role_of, set_role
from exports.models import LoginSession
from exports.models.audit import AuditEntry
from exports.sign_in import discovery
from exports.sign_in.accounts import admit
from exports.sign_in.errors import SignOnError, SignOnErrorCode
from exports.sign_in.id_tokens import Identity
from exports.sign_in.registration import ROLES
from tests.sign_in.conftest import PASSWORD, App, type_password
from tests.sign_in.providers import real_provider, sign_on_at

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A3")]
CONNECTIONS = "/connections/"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider() as url:
        yield url


@pytest.fixture(autouse=True)
def provider(issuer: str, settings: Settings) -> None:
    discovery.forget_answers()
    settings.CWEXPORT_SIGN_ON = sign_on_at(issuer)


def come_back(client: Client, person: str, start: str = "/login/single-sign-on/", **form: str):  # type: ignore[no-untyped-def]
    """Press the button, log in at the provider, and come back."""
    there = client.post(start, form).headers["Location"]
    action = {"action": "deny"} if person == "nobody" else {"sub": person}
    back = requests.post(there, data=action, allow_redirects=False, timeout=30).headers["Location"]
    return client.get(back.removeprefix("http://testserver"))


def test_first_login_makes_a_user(client: Client) -> None:
    response = come_back(client, "anna", next=CONNECTIONS)

    assert response.headers["Location"] == CONNECTIONS
    assert client.get(CONNECTIONS).status_code == 200
    anna = User.objects.get()
    assert (anna.username, role_of(anna)) == ("anna@example.com", Role.VIEWER)
    assert not anna.has_usable_password()


def test_browser_is_sent_with_state_nonce_and_pkce(client: Client) -> None:
    there = client.post("/login/single-sign-on/").headers["Location"]
    asked = parse_qs(urlsplit(there).query)

    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert all(len(asked[name][0]) >= 16 for name in ("state", "nonce", "code_challenge"))
    assert "code_verifier" not in asked
    assert asked["redirect_uri"] == ["http://testserver/login/single-sign-on/callback/"]


def test_answer_works_once_and_here_only(client: Client) -> None:
    there = client.post("/login/single-sign-on/").headers["Location"]
    back = requests.post(there, data={"sub": "anna"}, allow_redirects=False, timeout=30)
    path = back.headers["Location"].removeprefix("http://testserver")

    stolen = Client().get(path)
    assert (stolen.status_code, "another browser" in stolen.content.decode()) == (403, True)
    assert client.get(path).status_code == 302
    assert client.get(path).status_code == 403


def test_roles_follow_the_groups(client: Client) -> None:
    come_back(client, "anna")
    set_role(User.objects.get(), Role.OPERATOR)
    come_back(Client(), "anna")

    assert role_of(User.objects.get()) == Role.VIEWER
    entry = AuditEntry.objects.get(action="user.role_changed")
    assert entry.changes["role"] == ["operator", "viewer"]


def test_only_admin_stays_admin(client: Client) -> None:
    come_back(client, "anna")
    set_role(User.objects.get(), Role.ADMIN)

    come_back(Client(), "anna")
    assert role_of(User.objects.get()) == Role.ADMIN


def test_no_group_means_no_login(client: Client) -> None:
    response = come_back(client, "bert")

    assert response.status_code == 403
    assert "you are in none of the groups" in response.content.decode()
    assert not User.objects.exists()
    entry = AuditEntry.objects.get(action="user.sign_on_refused")
    assert (entry.changes["reason"], entry.object_name) == (["", "no_role"], "bert@example.com")


def test_refusal_names_whom_to_ask(client: Client, user: User) -> None:
    assert "Ask Admin1 for a role." in come_back(client, "bert").content.decode()
    assert "Admin1" not in come_back(client, "nobody").content.decode()


def test_name_of_another_takes_nothing_over(client: Client, user: User) -> None:
    user.email = "admin1@example.com"
    user.save()

    response = come_back(client, "cora")

    assert "There is a user of your name here already" in response.content.decode()
    assert not SocialAccount.objects.exists()
    assert client.get(CONNECTIONS).status_code == 302


def test_connected_user_logs_in_without_password(client: Client, user: User, app: App) -> None:
    type_password(client)
    client.post("/login/second-factor/", {"code": app.code()})
    back = come_back(client, "cora", start="/account/login/connect/")
    assert back.headers["Location"] == "/account/login/"
    client.post("/logout/")

    # The provider asks for its own second factor.
    assert come_back(client, "cora").headers["Location"] == "/"
    assert client.get(CONNECTIONS).status_code == 200
    assert role_of(User.objects.get()) == Role.ADMIN


def test_identity_belongs_to_one_user(signed_in: Client) -> None:
    come_back(Client(), "anna")
    signed_in.post("/account/login/confirm/", {"password": PASSWORD})

    response = come_back(signed_in, "anna", start="/account/login/connect/")

    assert "connected with another user already" in response.content.decode()
    assert SocialAccount.objects.count() == 1


def test_disconnecting_needs_a_password(client: Client) -> None:
    come_back(client, "anna")
    page = client.post("/account/login/disconnect/", follow=True).content.decode()

    assert "your only way to log in" in page
    assert SocialAccount.objects.exists()


def test_deactivated_user_stays_out(client: Client) -> None:
    come_back(client, "anna")
    User.objects.update(is_active=False)

    response = come_back(Client(), "anna")
    assert "has been deactivated" in response.content.decode()


def test_cancelled_login_changes_nothing(client: Client) -> None:
    response = come_back(client, "nobody")

    assert (response.status_code, "was cancelled" in response.content.decode()) == (403, True)
    assert not User.objects.exists()


def test_password_login_can_be_off(client: Client, user: User, settings: Settings) -> None:
    settings.CWEXPORT_PASSWORD_LOGIN = False
    page = client.post("/login/", {"username": "Admin1", "password": PASSWORD}).content.decode()

    assert "Passwords are switched off" in page
    assert 'name="password"' not in page
    assert client.get(CONNECTIONS).status_code == 302


def test_only_login_pages_allow_the_provider(client: Client, issuer: str) -> None:
    policy = client.get("/login/").headers["Content-Security-Policy"]
    assert f"form-action 'self' {issuer};" in f"{policy};"
    come_back(client, "anna")
    assert issuer not in client.get(CONNECTIONS).headers["Content-Security-Policy"]


def test_required_factor_is_the_providers(client: Client, settings: Settings) -> None:
    settings.CWEXPORT_SECOND_FACTOR = "required"
    come_back(client, "anna")

    assert client.get(CONNECTIONS).status_code == 200


def test_logout_tells_of_the_other_session(client: Client) -> None:
    come_back(client, "anna")

    page = client.post("/logout/", follow=True).content.decode()
    assert "Your session at Example Login stays open" in page


def test_begun_logins_of_one_address_are_limited(client: Client) -> None:
    now = timezone.now()
    LoginSession.objects.bulk_create(
        LoginSession(key_hash=str(n), address="127.0.0.1", expires_at=now + timedelta(minutes=5))
        for n in range(100)
    )

    refused = client.post("/login/single-sign-on/")
    assert "Try again in a few seconds" in refused.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/login/single-sign-on/").status_code == 302
    assert elsewhere.session.get_expiry_age() <= 600
    assert not AuditEntry.objects.exists()


def test_roles_of_settings_are_the_roles() -> None:
    assert list(ROLES) == Role.values


@pytest.mark.django_db(transaction=True)
def test_two_first_logins_at_once_make_one_user(issuer: str) -> None:
    identity = Identity(issuer, "dora", "dora", {"roles": ["viewers"]})
    gate, results = threading.Barrier(2), []

    def log_in() -> None:
        gate.wait()
        try:
            results.append(admit(identity).username)
        except SignOnError as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=log_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # The one that came in between is told to use the user it has become.
    assert "dora" in results
    assert set(results) <= {"dora", SignOnErrorCode.NAME_TAKEN}
    assert SocialAccount.objects.count() == User.objects.count() == 1
