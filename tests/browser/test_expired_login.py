"""When a login expires while somebody types, no typed text is lost."""

import re

import pytest
from playwright.sync_api import Page, expect

from exports.models import Connection, Task
from tests.browser.conftest import NO_JAVASCRIPT, OpenPage
from tests.browser.sample.starting import PASSWORD, USER

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def type_new_task(page: Page) -> None:
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Typed for an hour")
    page.get_by_label("Output File").fill("typed-{run}.xml")
    page.context.clear_cookies(name=re.compile("^cwexport_session"))


def log_in(page: Page) -> None:
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_login_in_another_tab_is_enough(page: Page, connection: Connection) -> None:
    type_new_task(page)
    page.get_by_label("Connection", exact=True).select_option(connection.name)
    page.get_by_role("button", name="Add condition").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Log in in a new tab").click()
    log_in(opened.value)
    expect(opened.value.get_by_label("Task Name")).to_be_visible()

    # The page's token is from before the login: with and without a reload of the form's rows.
    page.get_by_role("button", name="Add condition").click()
    expect(page.locator(".condition-row")).to_have_count(2)
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url("**/tasks/*/")
    assert Task.objects.get().name == "Typed for an hour"


@pytest.mark.parametrize("has_javascript", [True, False])
def test_form_saved_too_late_returns_after_login(
    open_page: OpenPage, connection: Connection, has_javascript: bool
) -> None:
    page = open_page(**({} if has_javascript else NO_JAVASCRIPT))
    type_new_task(page)
    page.get_by_label("Connection", exact=True).select_option(connection.name)
    page.get_by_role("button", name="Save").last.click()
    log_in(page)

    expect(page.get_by_text("everything you typed is still here")).to_be_visible()
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url("**/tasks/*/")
    assert Task.objects.get().output_file == "typed-{run}.xml"
