"""A provider that breaks its promises: a sentence, nothing changed, an entry in the audit log."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from exports.connectwise.http.transport import Limits
from exports.models.audit import AuditEntry
from exports.sign_in import discovery, provider_calls
from tests.sign_in.providers import SHARED, StrangeProvider, sign_on_at, strange_provider

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A3")]
Change = Callable[[StrangeProvider], Any]
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def provider(settings: Settings) -> Iterator[tuple[StrangeProvider, list[str]]]:
    discovery.forget_answers()
    with strange_provider() as (strange, nonces):
        settings.CWEXPORT_SIGN_ON = sign_on_at(strange.url)
        yield strange, nonces


def sign_on(client: Client, nonces: list[str], **answer: str) -> HttpResponse:
    """Go there and come back with a code."""
    started = client.post("/login/single-sign-on/")
    if started.status_code != 302:
        return started
    asked = parse_qs(urlsplit(started.headers["Location"]).query)
    nonces.append(asked["nonce"][0])
    query = {"code": "c", "state": asked["state"][0], **answer}
    return client.get("/login/single-sign-on/callback/", query)


def claims(**changed: Any) -> Change:
    return lambda strange: strange.claims.update(changed)


def dated(name: str, seconds: int) -> Change:
    """A claim that lies so many seconds ahead when the test runs."""
    return lambda strange: strange.claims.update({name: int(time.time()) + seconds})


def answer(path: str, status: int, body: bytes) -> Change:
    return lambda strange: strange.answers.update({path: (status, body)})


def other_key(strange: StrangeProvider) -> None:
    strange.signing_key = rsa.generate_private_key(65537, 2048)


def unsigned(strange: StrangeProvider) -> None:
    strange.algorithm = "none"


def shared_secret(strange: StrangeProvider) -> None:
    strange.algorithm, strange.signing_key = "HS256", SHARED
    strange.header = {"kid": "two"}


CASES: dict[str, tuple[Change, str]] = {
    "another issuer": (claims(iss="https://evil.example.com"), "other_issuer"),
    "another audience": (claims(aud="another-program"), "other_audience"),
    "another party": (claims(azp="another-program"), "other_audience"),
    "expired": (dated("exp", -300), "clocks"),
    "issued in five minutes": (dated("iat", 300), "clocks"),
    "another nonce": (claims(nonce="x" * 32), "other_login"),
    "no nonce": (claims(nonce=None), "other_login"),
    "no subject": (claims(sub=None), "nonsense"),
    "empty subject": (claims(sub=""), "nonsense"),
    "subject with a NUL": (claims(sub="an\0na"), "nonsense"),
    "subject without end": (claims(sub="a" * 300), "nonsense"),
    "no expiry": (claims(exp=None), "nonsense"),
    "roles of another shape": (claims(roles={"viewers": True}), "no_role"),
    "groups left out": (claims(roles=None, _claim_names={"groups": "src1"}), "too_many_groups"),
    "another key": (other_key, "bad_signature"),
    "unsigned": (unsigned, "bad_signature"),
    "signed with a secret": (shared_secret, "bad_signature"),
    "unknown key": (lambda strange: strange.header.update(kid="three"), "bad_signature"),
    "config of another": (answer(DISCOVERY, 200, b'{"issuer": "https://x"}'), "other_issuer"),
    "config is no JSON": (answer(DISCOVERY, 200, b"<html>"), "nonsense"),
    "config is a list": (answer(DISCOVERY, 200, b"[]"), "nonsense"),
    "config is deep": (answer(DISCOVERY, 200, b"[" * 200_000), "nonsense"),
    "config redirects": (answer(DISCOVERY, 302, b""), "nonsense"),
    "config is too large": (answer(DISCOVERY, 200, b" " * 600_000), "nonsense"),
    "config fails": (answer(DISCOVERY, 500, b""), "nonsense"),
    "keys are no JSON": (answer("/keys", 200, b"<html>"), "nonsense"),
    "keys are none": (answer("/keys", 200, b'{"keys": "all"}'), "bad_signature"),
    "token refused": (answer("/token", 400, b'{"error": "invalid_grant"}'), "refused_there"),
    "token is a list": (answer("/token", 200, b'["access_token"]'), "nonsense"),
    "token is no JSON": (answer("/token", 200, b'{"access'), "nonsense"),
    "no ID token": (answer("/token", 200, b'{"access_token": "x"}'), "nonsense"),
    "ID token is a number": (
        answer("/token", 200, b'{"access_token": "x", "id_token": 7}'),
        "nonsense",
    ),
    "ID token is no token": (
        answer("/token", 200, b'{"access_token": "x", "id_token": "a.b.c"}'),
        "nonsense",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_broken_promise_lets_nobody_in(
    client: Client, provider: tuple[StrangeProvider, list[str]], case: str
) -> None:
    strange, nonces = provider
    change, reason = CASES[case]
    change(strange)

    response = sign_on(client, nonces)

    assert response.status_code == 403
    assert "Nothing was changed." in response.content.decode()
    assert not User.objects.exists()
    entry = AuditEntry.objects.get(action="user.sign_on_refused")
    assert entry.changes["reason"] == ["", reason]


@pytest.mark.parametrize(
    ("stated", "is_let_in"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "2"}, True),
        ({}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": "not mfa"}, False),
        ({"amr": {"mfa": True}}, False),
        ({"acr": 2}, False),
        ({"acr": ["mfa"]}, False),
    ],
)
def test_required_claim_must_be_stated(
    client: Client,
    provider: tuple[StrangeProvider, list[str]],
    settings: Settings,
    stated: dict[str, object],
    is_let_in: bool,
) -> None:
    strange, nonces = provider
    required = (("amr", "mfa"), ("acr", "2"))
    settings.CWEXPORT_SIGN_ON = replace(settings.CWEXPORT_SIGN_ON, required_claims=required)
    strange.claims.update(stated)

    response = sign_on(client, nonces)

    assert response.status_code == (302 if is_let_in else 403)
    assert User.objects.exists() is is_let_in
    if not is_let_in:
        assert "Set one up there" in response.content.decode()
        entry = AuditEntry.objects.get(action="user.sign_on_refused")
        assert entry.changes["reason"] == ["", "too_weak"]


def test_kept_promise_lets_in(client: Client, provider: tuple[StrangeProvider, list[str]]) -> None:
    strange, nonces = provider

    assert sign_on(client, nonces).status_code == 302
    assert User.objects.get().username == "anna@example.com"
    [form] = strange.forms
    assert "code_verifier=" in form
    # Discovery and keys are asked for once.
    sign_on(Client(), nonces)
    assert sorted(strange.asked) == [DISCOVERY, "/keys", "/token", "/token"]


def test_silent_provider_has_a_deadline(
    client: Client,
    provider: tuple[StrangeProvider, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strange, nonces = provider
    monkeypatch.setattr(provider_calls, "LIMITS", Limits(connect=1, read=0.2, total=0.3))
    strange.is_silent.set()

    page = sign_on(client, nonces).content.decode()
    strange.is_silent.clear()

    assert "Example Login did not answer in time." in page
    assert not User.objects.exists()


def test_stopped_provider_is_said_in_words(client: Client, settings: Settings) -> None:
    discovery.forget_answers()
    settings.CWEXPORT_SIGN_ON = sign_on_at("http://127.0.0.1:9")

    page = sign_on(client, []).content.decode()
    assert "Example Login could not be reached." in page


def test_provider_in_private_network_is_not_called(client: Client, settings: Settings) -> None:
    discovery.forget_answers()
    settings.CWEXPORT_SIGN_ON = sign_on_at("https://169.254.169.254")

    assert "could not be reached" in sign_on(client, []).content.decode()


def test_error_of_the_provider_is_told(
    client: Client, provider: tuple[StrangeProvider, list[str]]
) -> None:
    page = sign_on(client, provider[1], error="server_error").content.decode()
    assert "Example Login refused the login." in page
