"""The id of a request: in its answer, its log lines and its error pages."""

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from cwexport.urls import urlpatterns as installed
from exports.logs.formats import JsonFormatter
from exports.models.secrets import encrypt

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I4")]
GIVEN = "f47ac10b-58cc-4372"


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a mistake with pK-9z-secret in it")


urlpatterns = [*installed, path("broken/", break_down, name="health")]


@pytest.fixture
def log(settings: Settings) -> Iterator[StringIO]:
    """What the processes of an installation would write, as JSON."""
    settings.CWEXPORT_ACCESS_LOG = True
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("exports.requests", "django")]
    for logger in loggers:
        logger.addHandler(handler)
    yield written
    for logger in loggers:
        logger.removeHandler(handler)


def lines(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_line_of_a_request_names_user_and_id(signed_in: Client, user: User, log: StringIO) -> None:
    answer = signed_in.get("/runs/?secret=hunter2")
    [line] = lines(log)

    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert (line["method"], line["path"], line["status"]) == ("GET", "/runs/", 200)
    assert line["user"] == user.username
    assert line["client"] == "127.0.0.1"
    assert line["duration_ms"] >= 0
    assert "hunter2" not in log.getvalue()


def test_path_keeps_no_token(client: Client, log: StringIO) -> None:
    client.get(f"/welcome/{'t0k3n' * 8}/%0d%0aforged")

    assert lines(log)[-1]["path"] == "/welcome/…/%0D%0Aforged"
    assert lines(log)[0]["message"] == "Not Found: /welcome/…/%0D%0Aforged"
    assert "t0k3n" not in log.getvalue()


def test_lines_are_off_by_default(client: Client, log: StringIO, settings: Settings) -> None:
    settings.CWEXPORT_ACCESS_LOG = False
    client.get("/login/")

    assert lines(log) == []


def test_monitors_fill_no_log(client: Client, log: StringIO, settings: Settings) -> None:
    settings.CWEXPORT_ACCESS_LOG = False
    assert client.get("/readyz").status_code == 503

    assert lines(log) == []


@pytest.mark.parametrize(
    ("proxy_count", "sent", "is_taken"),
    [(1, GIVEN, True), (0, GIVEN, False), (1, "short", False), (1, "x" * 65, False),
     (1, "two words here", False), (1, "line\nbreak-1", False), (1, "ümlaut-1234", False)],
)  # fmt: skip
def test_only_a_proxy_may_give_the_id(
    client: Client, settings: Settings, proxy_count: int, sent: str, is_taken: bool
) -> None:
    settings.CWEXPORT_TRUSTED_PROXIES = proxy_count
    answer = client.get("/login/", headers={"X-Request-ID": sent})

    assert (answer.headers["X-Request-ID"] == sent) is is_taken


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/broken/", 500), ("POST", "/login/", 403), ("GET", "/?%00", 400)],
)
def test_error_page_shows_the_id(
    settings: Settings, log: StringIO, method: str, address: str, status: int
) -> None:
    settings.ROOT_URLCONF = __name__
    encrypt("pK-9z-secret")
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    answer = client.generic(method, address)

    assert answer.status_code == status
    assert f"<code>{answer.headers['X-Request-ID']}</code>" in answer.content.decode()
    assert {line["request_id"] for line in lines(log)} == {answer.headers["X-Request-ID"]}
    assert "pK-9z" not in answer.content.decode() + log.getvalue()
    assert ("a mistake with [removed] in it" in log.getvalue()) is (status == 500)


def test_refused_page_shows_the_id(client: Client) -> None:
    client.force_login(User.objects.create_user("Roleless1"))
    answer = client.get("/tasks/new/")

    assert answer.status_code == 403
    assert answer.headers["X-Request-ID"] in answer.content.decode()
