"""A page that is open and updates itself does not keep its login alive."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from exports.models import LoginSession
from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.rule("A4")
def test_open_page_is_no_sign_of_life(page: Page) -> None:
    page.goto("/tasks/")
    before = timezone.now() - timedelta(minutes=5)
    LoginSession.objects.update(last_seen_at=before)
    for _time in range(2):
        with page.expect_response(lambda answer: "/changes/" in answer.url):
            pass
    assert LoginSession.objects.get().last_seen_at == before

    page.get_by_role("link", name="Connections").first.click()
    expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    assert LoginSession.objects.get().last_seen_at > before


@pytest.mark.rule("A4")
def test_session_is_ended_from_another_browser(open_page: OpenPage) -> None:
    here, elsewhere = open_page(), open_page()
    here.goto("/account/")
    expect(here.get_by_role("button", name="End all others")).to_be_visible()
    here.get_by_role("button", name="End all others").click()
    expect(here.get_by_text("1 session was ended.")).to_be_visible()

    expect(elsewhere.get_by_text("Your login has expired.")).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_role("heading", name="Log in")).to_be_visible()
