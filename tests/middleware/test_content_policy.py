"""Every response has a content security policy: static files and errors too."""

from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from cwexport.urls import urlpatterns as installed
from exports.access.rights import RIGHTS

pytestmark = pytest.mark.django_db


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a mistake of this program")


urlpatterns = [*installed, path("broken/", break_down, name="broken")]


def test_static_files_carry_the_policy(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("body {}")
    settings.STATIC_ROOT = tmp_path
    response = Client().get("/static/page.css")

    assert b"".join(response.streaming_content) == b"body {}"  # type: ignore[attr-defined]
    _check_policy(response)


@pytest.mark.parametrize(
    ("method", "address", "headers", "status"),
    [
        ("GET", "/static/missing.css", {}, 404),
        ("GET", "/runs/7/", {}, 302),
        ("GET", "/login/", {"host": "elsewhere.example"}, 400),
        ("POST", "/login/", {}, 403),
        ("GET", "/broken/", {}, 500),
    ],
)
def test_error_answers_carry_the_policy(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    address: str,
    headers: dict[str, str],
    status: int,
) -> None:
    monkeypatch.setitem(RIGHTS, "broken", RIGHTS["login"])
    settings.ROOT_URLCONF = __name__
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    response = client.generic(method, address, headers=headers)

    assert response.status_code == status
    _check_policy(response)


def test_unknown_pages_carry_the_policy(signed_in: Client) -> None:
    response = signed_in.get("/nothing-here/")

    assert response.status_code == 404
    _check_policy(response)


def _check_policy(response: HttpResponse) -> None:
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
