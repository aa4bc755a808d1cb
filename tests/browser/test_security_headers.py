"""Every page has the strict policy, whatever its status."""

import pytest
from playwright.sync_api import Response

from tests.browser.conftest import Visit, Visited

pytestmark = pytest.mark.browser
ADMIN = ("/admin/", "/admin/exports/run/", "/admin/exports/connection/", "/admin/auth/user/")
POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


def test_every_page_has_the_strict_policy(every_page: Visited) -> None:
    assert [answer.status for answer in every_page.answers].count(every_page.shown.status)
    for answer in every_page.answers:
        check_headers(answer)


@pytest.mark.parametrize("path", ADMIN)
def test_the_administration_has_it_too(visit: Visit, path: str) -> None:
    page = visit("home")
    answer = page.goto(page.url + path.removeprefix("/"))

    assert answer
    assert answer.status == 200
    check_headers(answer)
    assert policy_of(answer) == POLICY


def check_headers(answer: Response) -> None:
    headers = answer.headers
    if headers.get("content-type", "").startswith("text/html"):
        assert policy_of(answer) == POLICY
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    if "/static/" not in answer.url:
        assert headers["x-content-type-options"] == "nosniff"


def policy_of(answer: Response) -> dict[str, list[str]]:
    directives = answer.headers["content-security-policy"].split(";")
    return {words[0]: words[1:] for words in (part.split() for part in directives) if words}
