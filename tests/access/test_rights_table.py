"""Every address × method × person: answered or refused as the rights table says (rule A1)."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, resolve

from cwexport.urls import urlpatterns as installed
from exports.access.rights import PUBLIC, RIGHTS, SIGNED_IN, Need, right_of
from exports.access.roles import Role, set_role
from exports.api import tokens
from exports.api.allowances import Allowances
from exports.models import ApiToken
from tests.access.document import BEGIN, table, written

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A1")]

METHODS = ("GET", "POST", "PUT", "DELETE")
ANSWERED = 204
# Who asks: nobody, a login without a role, and the three roles.
STRANGER, NO_ROLE = "stranger", "no role"
PEOPLE = (STRANGER, NO_ROLE, *Role)
# The role that a token's scope stands for.
SCOPES = {"read": Role.VIEWER, "run": Role.OPERATOR, "admin": Role.ADMIN}


class Address(NamedTuple):
    name: str
    url: str


def _addresses(patterns: list[Any], name: str = "", url: str = "/") -> Iterator[Address]:
    for pattern in patterns:
        here = url + _example(pattern)
        if isinstance(pattern, URLResolver):
            inside = f"{name}{pattern.namespace}:" if pattern.namespace else name
            yield from _addresses(pattern.url_patterns, inside, here)
        else:
            yield Address(f"{name}{pattern.name}", here)


def _example(pattern: URLPattern | URLResolver) -> str:
    """An address of this pattern: 1 for what varies, the first choice of a regular expression."""
    text = re.sub(r"\(\?P<\w+>([^|)]*)[^)]*\)", r"\1", str(pattern.pattern))
    return re.sub(r"<[^>]+>", "1", text).strip("^$")


ADDRESSES = list(_addresses(get_resolver().url_patterns))
# Of a namespace with one row for all of its hundreds of addresses, every tenth is asked.
ASKED = [
    address
    for number, address in enumerate(ADDRESSES)
    if address.name in RIGHTS or number % 10 == 0
    # An earlier address may take the place of a later one.
    if resolve(address.url).view_name == address.name
]


class AnswerMiddleware:
    """Stands in for every view, so that asking changes nothing and only rights decide."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)

    def process_view(self, *_view: Any) -> HttpResponse:
        return HttpResponse(status=ANSWERED)


@pytest.fixture(autouse=True)
def stand_in_for_views(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.AnswerMiddleware"]


def test_every_address_has_a_row() -> None:
    names = [address.name for address in ADDRESSES]

    assert [name for name in names if right_of(name) is None] == []
    assert [row for row in RIGHTS if not any(_is_of(name, row) for name in names)] == []


def test_document_has_the_same_table() -> None:
    assert BEGIN + written() == table(), "`python -m tests.access.document` writes it anew."


def _is_of(name: str, row: str) -> bool:
    return name.startswith(row) if row.endswith(":") else name == row


@pytest.mark.parametrize("who", PEOPLE)
def test_addresses_answer_as_the_table_says(who: str) -> None:
    client = _client_of(who)

    assert _differing(client, who, {}) == []


@pytest.mark.parametrize(
    ("who", "scope"),
    [*((Role.ADMIN, scope) for scope in SCOPES), (Role.VIEWER, "admin"), (NO_ROLE, "admin")],
)
def test_tokens_allow_no_more_than_their_user(
    monkeypatch: pytest.MonkeyPatch, who: str, scope: str
) -> None:
    monkeypatch.setattr(tokens, "_requests", Allowances(100_000))
    _token, text = ApiToken.objects.issue(_user(who), "Nightly", scope, days=1)
    headers = {"Authorization": f"Bearer {text}"}
    smaller = min(who, SCOPES[scope], key=PEOPLE.index)

    assert _differing(Client(), smaller, headers) == []


def _differing(client: Client, who: str, token: dict[str, str]) -> list[tuple[str, str, bool]]:
    """What does not answer as it should; the addresses of the API with a token, else the others."""
    differing = []
    for name, url in ASKED:
        if name.startswith("api:") != bool(token):
            continue
        right = right_of(name)
        assert right is not None
        for method in METHODS:
            # For a fragment, refusals are short, which makes this several times faster.
            headers = token | ({"HX-Request": "true"} if method != "GET" else {})
            answer = client.generic(method, url, headers=headers)
            is_answered = answer.status_code == ANSWERED
            is_expected = _meets(who, right.need(method))
            if is_answered != is_expected:
                differing.append((method, url, is_answered))
    return differing


def _meets(who: str, need: Need) -> bool:
    """Written apart from the product's own comparison, which is what is tested."""
    if need is PUBLIC:
        return True
    if need is SIGNED_IN:
        return who != STRANGER
    enough = {Role.VIEWER: list(Role), Role.OPERATOR: ["operator", "admin"], Role.ADMIN: ["admin"]}
    return who in enough[Role(need)]


def _client_of(who: str) -> Client:
    client = Client()
    if who != STRANGER:
        client.force_login(_user(who))
    return client


def _user(who: str) -> User:
    # All of the staff: that alone must open nothing.
    user = User.objects.create_user("Anna", is_staff=True)
    set_role(user, Role(who) if who in Role.values else None)
    return user


urlpatterns = [*installed, path("unheard-of/", lambda request: HttpResponse("all secrets"))]


@pytest.mark.parametrize("who", PEOPLE)
def test_address_without_row_is_refused(settings: Any, who: str) -> None:
    settings.ROOT_URLCONF = __name__

    assert _client_of(who).get("/unheard-of/").status_code != ANSWERED
