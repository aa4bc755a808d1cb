"""No malformed request breaks anything or leaves anything behind."""

import logging
from collections.abc import Iterator
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from exports.middleware.content_types import readable_environ, with_readable_type
from exports.models import LoginSession, Run
from tests.conftest import MakeTask
from tests.middleware.strange_requests import (
    BODIES,
    CONTENT_TYPES,
    HEADERS,
    METHODS,
    QUERIES,
    addresses,
)
from tests.screen_fixtures import put_out, succeed

pytestmark = pytest.mark.django_db
_PAGES = ("/login/", "/", "/runs/", "/tasks/new/", "/connections/new/", "/admin/exports/run/")


class Handler(ClientHandler):
    """As installed: Django behind the application that wraps it."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        return super().__call__(readable_environ(environ))


def new_client() -> Client:
    client = Client(raise_request_exception=False)
    client.handler = Handler(enforce_csrf_checks=False)
    return client


@pytest.fixture
def run(make_task: MakeTask) -> Run:
    run = succeed(make_task())
    put_out(run, 1, 2, 3)
    return run


@pytest.fixture(params=["nobody", "administrator"])
def client(request: pytest.FixtureRequest, db: None) -> Client:
    client = new_client()
    if request.param == "administrator":
        client.force_login(User.objects.create_superuser("Admin2"))
    return client


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Each refused request is logged, and here are thousands."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def send(client: Client, method: str, path: str, query: str = "", **sent: Any) -> HttpResponse:
    names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in sent.get("headers", {})}
    headers = {names[name]: value for name, value in sent.get("headers", {}).items()}
    kind, body = sent.get("content_type", ""), sent.get("body", b"")
    return client.generic(method, path, body, kind, QUERY_STRING=query, **headers)


def test_no_address_breaks(client: Client, run: Run) -> None:
    random, number = Random(1), count()
    for path in addresses(run.pk):
        for method in METHODS:
            sent = {
                "query": random.choice(QUERIES),
                "headers": HEADERS[next(number) % len(HEADERS)],
                "content_type": random.choice(CONTENT_TYPES),
                "body": random.choice(BODIES),
            }
            assert send(client, method, path, **sent).status_code < 500, (method, path, sent)
            assert send(client, method, path).status_code < 500, (method, path)


@pytest.mark.parametrize("path", _PAGES)
def test_no_header_or_body_breaks(client: Client, run: Run, path: str) -> None:
    for headers in HEADERS:
        assert send(client, "GET", path, headers=headers).status_code < 500, headers
    for kind, body in product(CONTENT_TYPES, BODIES):
        answer = send(client, "POST", path, content_type=kind, body=body)
        assert answer.status_code < 500, (kind, body[:80])


@pytest.mark.parametrize("path", ["/runs/", "/runs/export.csv", "/admin/exports/run/"])
def test_no_query_breaks(client: Client, run: Run, path: str) -> None:
    for query in Random(2).sample(QUERIES, 250):
        assert send(client, "GET", path, query).status_code < 500, query


def test_anonymous_requests_keep_nothing(run: Run, data_folder: Path) -> None:
    files = sorted(data_folder.rglob("*"))
    for path in addresses(run.pk):
        send(new_client(), "POST", path, content_type=CONTENT_TYPES[-2], body=BODIES[0])
        send(new_client(), "POST", path, content_type=CONTENT_TYPES[-1], body=BODIES[10])
        send(new_client(), "GET", path)
    assert sorted(data_folder.rglob("*")) == files
    assert not LoginSession.objects.exists()
    # A guessed emergency link counts like a wrong password: one row for the address.
    names = list(AccessAttempt.objects.values_list("username", flat=True))
    assert names in ([], ["another way to log in"])


@pytest.mark.parametrize(
    ("path", "status"), [("/%00", 400), ("/?a=%00", 400), (f"/{'a' * 5_000}", 414)]
)
def test_strange_address_is_refused_in_words(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "This request cannot be understood" in answer.content.decode()


@pytest.mark.parametrize(
    ("charset", "is_read"),
    [("hex", False), ("rot13", False), ("latin-1", False), ("none-such", False), ("UTF-8", True)],
)
def test_form_in_another_encoding_has_no_fields(user: User, charset: str, is_read: bool) -> None:
    body = b"username=Admin1&password=correct+horse"
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = send(new_client(), "POST", "/login/", content_type=kind, body=body)
    assert ("This field is required" in answer.content.decode()) is not is_read
    assert (answer.status_code == 302) is is_read


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=\xff", CONTENT_TYPES[-2]]
)
@pytest.mark.parametrize(("path", "statuses"), [("/nothing/", {404}), ("/login/", {400, 403})])
def test_unreadable_form_breaks_no_error_page(
    client: Client, path: str, statuses: set[int], kind: str
) -> None:
    # As installed: the pages of errors look for the form's token.
    client.handler = Handler(enforce_csrf_checks=True)
    answer = send(client, "POST", path, content_type=kind, body=b"a=b&" * 3_000)
    assert answer.status_code in statuses


def test_application_reads_strange_types(db: None) -> None:
    environ: dict[str, Any] = {"CONTENT_TYPE": "text/html; charset=hex", "PATH_INFO": "/login/"}
    setup_testing_defaults(environ)
    application, statuses = with_readable_type(get_wsgi_application()), list[str]()
    body = application(
        {**environ, "HTTP_HOST": "testserver"}, lambda status, headers: statuses.append(status)
    )
    assert statuses == ["200 OK"]
    assert b"Log in" in b"".join(body)
