"""Logging in with a second factor and by a provider, in a real browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from exports.sign_in import discovery, factors
from tests.browser import axe
from tests.browser.chromium import PATIENCE
from tests.browser.sample.starting import PASSWORD, USER
from tests.browser.watching import watch
from tests.sign_in.conftest import App
from tests.sign_in.providers import real_provider, sign_on_at

pytestmark = [pytest.mark.browser, pytest.mark.rule("A3")]

STYLES = "https://cdn.jsdelivr.net/"


@pytest.fixture
def stranger(chromium: Browser, live_server: LiveServer, user: User) -> Iterator[Page]:
    """A browser in which nobody has logged in, at a host name, as keys need one."""
    address = live_server.url.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=address, viewport={"width": 320, "height": 700})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    # The provider's own page wants a style from elsewhere.
    page.route(f"{STYLES}**", lambda route: route.fulfill(content_type="text/css", body=""))
    faults = watch(page)
    yield page
    context.close()
    assert [fault for fault in faults if STYLES not in fault] == []


def type_password(page: Page) -> None:
    page.goto("/login/?next=/account/login/")
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def look_at(page: Page) -> None:
    """No fault of accessibility in either scheme, and nothing wider than 320 pixels."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        grave = [finding for finding in axe.examine(page) if finding.is_grave]
        assert not grave, f"{page.url}, {scheme}:\n{axe.report(grave)}"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_app_is_set_up_and_asked_for(stranger: Page, user: User) -> None:
    page = stranger
    type_password(page)
    page.get_by_role("link", name="Set up an app").click()
    page.get_by_text("It cannot be scanned").click()
    app = App("".join(page.locator("code.break").inner_text().split()))
    look_at(page)

    page.get_by_label("Code").fill(app.code())
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    look_at(page)
    recovery = page.locator(".recovery-codes li").first.inner_text()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 codes are left")).to_be_visible()
    look_at(page)

    page.context.clear_cookies()
    type_password(page)
    expect(page.get_by_label("Code of the app, or a recovery code")).to_be_focused()
    look_at(page)
    page.keyboard.type(recovery)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Login and second factor")).to_be_visible()


def test_key_is_added_and_asked_for(stranger: Page, user: User) -> None:
    page = stranger
    plug_in_key(page)
    type_password(page)
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert [key.wrap().name for key in factors.factors_of(user).keys] == ["Laptop"]

    page.context.clear_cookies()
    type_password(page)
    look_at(page)
    page.get_by_role("button", name="Use passkey or security key").click()
    expect(page.get_by_text("Laptop")).to_be_visible()


def plug_in_key(page: Page) -> None:
    """A security key that agrees to everything."""
    debugger: Any = page.context.new_cdp_session(page)
    debugger.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    debugger.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_provider_logs_in_through_its_page(stranger: Page, user: User, settings: Settings) -> None:
    page = stranger
    with real_provider() as issuer:
        discovery.forget_answers()
        settings.CWEXPORT_SIGN_ON = sign_on_at(issuer)
        page.goto("/login/?next=/account/login/")
        look_at(page)
        page.get_by_role("button", name="Log in with Example Login").click()
        page.wait_for_url(re.compile(re.escape(issuer)))
        page.locator("button[value=anna], input[value=anna]").first.click()
        expect(page.get_by_role("heading", name="Login and second factor")).to_be_visible()
        look_at(page)

        page.context.clear_cookies()
        page.goto("/login/")
        page.get_by_role("button", name="Log in with Example Login").click()
        page.wait_for_url(re.compile(re.escape(issuer)))
        page.locator("button[value=bert], input[value=bert]").first.click()
        expect(page.get_by_text("you are in none of the groups")).to_be_visible()
        look_at(page)
