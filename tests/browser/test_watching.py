"""The watch over a page finds the faults it looks for."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.watching import is_foreign, watch

pytestmark = pytest.mark.browser


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """The browser reports a fault when it likes; the wait lets its events arrive."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


@pytest.fixture
def faults_of(visit: Visit) -> tuple[Page, list[str]]:
    """A page with deliberate faults, in a browser that `visit` does not watch."""
    page = visit("login").context.new_page()
    faults = watch(page)
    page.goto(visit("login").url)
    return page, faults


@pytest.mark.parametrize(
    ("violation", "directive"),
    [
        ("document.body.innerHTML = '<p style=\"color: red\">red</p>'", "style-src"),
        ("document.body.innerHTML = '<p onclick=\"alert(1)\">click</p>'", "script-src"),
        ("document.body.innerHTML = '<style>p { color: red }</style>'", "style-src"),
        ("document.body.innerHTML = '<iframe src=\"/\"></iframe>'", "frame-src"),
        ("document.body.innerHTML = '<object data=\"/icon.svg\"></object>'", "object-src"),
    ],
)
def test_content_security_policy_violation_is_a_fault(
    faults_of: tuple[Page, list[str]], violation: str, directive: str
) -> None:
    page, faults = faults_of
    page.evaluate(violation)

    def reported() -> list[str]:
        return [fault for fault in faults if fault.startswith("CSP: ")]

    wait_until(page, lambda: bool(reported()))
    assert all(directive in fault for fault in reported())


def test_errors_missing_files_and_other_hosts_are_faults(
    faults_of: tuple[Page, list[str]],
) -> None:
    page, faults = faults_of
    page.evaluate("() => { setTimeout(() => { throw new Error('thrown') }) }")
    page.evaluate("() => console.error('complained')")
    page.evaluate("() => { new Image().src = '/static/missing.png' }")
    page.evaluate("() => fetch('http://example.invalid/').catch(() => null)")
    for expected in ("thrown", "complained", "404", "example.invalid"):
        wait_until(page, lambda expected=expected: expected in "\n".join(faults))


def test_a_form_that_is_refused_is_no_fault(visit: Visit) -> None:
    page = visit("login locked")

    assert page.get_by_role("heading", level=1).inner_text() == "Too many attempts"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/", False),
        ("http://localhost:8000/static/x.css", False),
        ("data:image/png;base64,x", False),
        ("http://127.0.0.1.example.com/", True),
        ("https://cdn.example.com/x.js", True),
    ],
)
def test_another_host_is_recognised_by_name(url: str, expected: bool) -> None:
    assert is_foreign(url) is expected
