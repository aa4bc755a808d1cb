"""The preview in a browser: from the unsaved form and back, in place and without JavaScript."""

import re
from collections.abc import Iterator
from threading import Event

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from exports.connectwise.filter.conditions import Condition
from exports.connectwise.http.client import Limits
from exports.demo import faults
from exports.demo.answers import COUNT, Request
from exports.demo.server import StandIn
from exports.live_checks import preview
from exports.models import Connection, Run, Task
from tests.browser.axe import examine, report
from tests.browser.conftest import DARK, NO_JAVASCRIPT, SMALL, OpenPage, sign_in
from tests.browser.settling import wait_for_htmx
from tests.conftest import make_connection, save_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def connection(transactional_db: None, stand_in: StandIn) -> Iterator[None]:
    make_connection(stand_in)
    yield
    # The preview stored nothing.
    assert Run.objects.count() == 0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview waits as long as the test needs on a busy machine."""
    monkeypatch.setattr(preview, "SECONDS_IN_ALL", 120.0)
    monkeypatch.setattr(preview, "LIMITS", Limits(connect=120, read=120, total=120))


def fill_form(page: Page) -> None:
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Typed")
    page.get_by_label("Field").first.fill("exportInvoicesFlag")
    page.get_by_label("Comparison").first.select_option("Equal")
    page.get_by_label("Value").first.fill("True")
    page.get_by_label("Export Modified, New or All Records").select_option("All")
    page.get_by_label("Page Size", exact=True).fill("250")
    page.get_by_label("Output File").fill("typed.xml")
    page.get_by_label("Break on Failure").uncheck()


def expect_form_as_filled(page: Page) -> None:
    expect(page.get_by_label("Task Name")).to_have_value("Typed")
    expect(page.get_by_label("Field").first).to_have_value("exportInvoicesFlag")
    expect(page.get_by_label("Comparison").first).to_have_value("Equal")
    expect(page.get_by_label("Value").first).to_have_value("True")
    expect(page.get_by_label("Export Modified, New or All Records")).to_have_value("all")
    expect(page.get_by_label("Page Size", exact=True)).to_have_value("250")
    expect(page.get_by_label("Output File")).to_have_value("typed.xml")
    expect(page.get_by_label("Break on Failure")).not_to_be_checked()


def press_preview(page: Page) -> None:
    page.get_by_role("button", name="Preview", exact=True).click()


def heading_of(page: Page) -> Locator:
    return page.locator("#preview-heading")


def flagged_count(stand_in: StandIn) -> int:
    return sum(record.get("exportInvoicesFlag") is True for record in stand_in.store.records)


def test_preview_opens_in_place_and_closes(page: Page, stand_in: StandIn) -> None:
    fill_form(page)
    press_preview(page)

    expect(heading_of(page)).to_have_text(f"Preview {flagged_count(stand_in)} batches match")
    expect(heading_of(page)).to_be_focused()
    expect(heading_of(page)).to_be_in_viewport()
    expect(page.locator("#preview tbody tr")).to_have_count(10)
    expect(page.locator("#preview pre.xml")).to_contain_text("<exportInvoicesFlag>true<")
    expect(page.locator("form #preview")).to_have_count(0)
    expect(page).to_have_url("/tasks/new/")
    expect_form_as_filled(page)

    page.get_by_role("button", name="Close preview").click()
    expect(page.locator("#preview")).to_be_hidden()
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_focused()
    expect_form_as_filled(page)
    assert Task.objects.count() == 0


def test_escape_closes_preview_and_save_still_works(page: Page) -> None:
    fill_form(page)
    press_preview(page)
    expect(heading_of(page)).to_be_focused()

    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_focused()
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Typed")
    assert Task.objects.get().saved_conditions() == (
        Condition("exportInvoicesFlag", "Equal", "True"),
    )


def test_errors_stand_at_fields_until_corrected(
    page: Page,
) -> None:
    fill_form(page)
    page.get_by_label("Page Size", exact=True).fill("many")
    press_preview(page)

    expect(page.get_by_text("A page holds 1 to 1000 records").first).to_be_visible()
    expect(page.get_by_label("Page Size", exact=True)).to_be_focused()
    expect(page.get_by_label("Page Size", exact=True)).to_have_value("many")
    expect(page.locator("#preview")).to_be_hidden()

    page.get_by_label("Page Size", exact=True).fill("250")
    press_preview(page)
    expect(heading_of(page)).to_be_focused()
    expect(page.get_by_text("A page holds 1 to 1000 records")).to_have_count(0)
    expect(page.locator("#problems")).to_have_count(0)
    expect_form_as_filled(page)


def test_fields_preview_ignores_stay_marked(page: Page) -> None:
    fill_form(page)
    page.get_by_label("Task Name").fill("")
    page.get_by_label("Page Size", exact=True).fill("many")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#id_page_size_error")).to_be_visible()

    page.get_by_label("Page Size", exact=True).fill("250")
    press_preview(page)
    expect(heading_of(page)).to_be_focused()
    expect(page.locator("#id_page_size_error")).to_have_count(0)
    expect(page.locator("#id_name_error")).to_be_visible()
    expect(page.locator("#problems")).to_have_count(1)


def test_changed_form_marks_preview_out_of_date(page: Page) -> None:
    fill_form(page)
    press_preview(page)
    expect(heading_of(page)).to_be_focused()
    outdated = page.get_by_text("The form has changed since.")
    expect(outdated).to_be_hidden()

    # The form asks about its conditions by itself; that response marks the preview, too.
    with page.expect_response(lambda response: "/description/" in response.url):
        page.get_by_label("Value").first.fill("False")
    expect(outdated).to_be_visible()
    press_preview(page)
    expect(outdated).to_be_hidden()

    page.get_by_role("button", name="Remove condition 1").click()
    expect(outdated).to_be_visible()
    press_preview(page)
    expect(heading_of(page)).to_have_text("Preview 120 batches match")


def test_slow_connectwise_and_faults_are_shown(page: Page, stand_in: StandIn) -> None:
    fill_form(page)
    stand_in.latency = 0.3
    stand_in.faults.add(faults.Status(401))
    press_preview(page)

    expect(page.get_by_text("Asking ConnectWise…")).to_be_visible()
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_disabled()
    expect(heading_of(page)).to_have_text("Preview A run would fail")
    expect(page.locator("#preview")).to_contain_text("ConnectWise answered 401")
    expect(page.get_by_text("Asking ConnectWise…")).to_be_hidden()
    expect_form_as_filled(page)


@pytest.mark.rule("U3")
@pytest.mark.usefixtures("patient")
def test_waiting_for_a_preview_shows_its_steps(page: Page, stand_in: StandIn) -> None:
    fill_form(page)
    page.get_by_role("button", name="Save").click()
    may_count = hold_counts(stand_in)
    page.get_by_role("link", name="Preview", exact=True).click()

    steps, waiting = page.locator("#waiting-steps li"), page.locator("#waiting")
    expect(steps.nth(0)).to_contain_text("accepts the keys.")
    expect(steps.nth(1)).to_have_text(re.compile("Count all batches…"))
    expect(waiting).to_contain_text(re.compile(r"Asking ConnectWise…\s+[1-9]\d* s"))
    page.get_by_role("button", name="Stop waiting").click()
    expect(waiting).to_be_hidden()

    may_count.set()
    page.get_by_role("link", name="Ask again").click()
    expect(heading_of(page)).to_have_text(f"{flagged_count(stand_in)} batches match")
    expect(waiting).to_be_hidden()


@pytest.mark.usefixtures("patient")
def test_preview_in_the_form_can_be_stopped(page: Page, stand_in: StandIn) -> None:
    fill_form(page)
    may_count = hold_counts(stand_in)
    press_preview(page)
    expect(page.locator("#waiting-steps li").nth(1)).to_contain_text("Count all batches")
    page.get_by_role("button", name="Stop waiting").click()

    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_enabled()
    expect(page.locator("#waiting")).to_be_hidden()
    may_count.set()
    expect_form_as_filled(page)


def hold_counts(stand_in: StandIn) -> Event:
    """ConnectWise answers who asks for a count only after the event is set."""
    may_count = Event()

    def hold(request: Request) -> None:
        if request.endpoint == COUNT:
            may_count.wait(90)

    stand_in.on_request(hold)
    return may_count


def test_unreachable_server_keeps_the_form(
    chromium: Browser, live_server: LiveServer, user: User
) -> None:
    # Not a watched page, as the missing answer is an error in the console.
    page = chromium.new_page(base_url=live_server.url)
    sign_in(page)
    fill_form(page)

    def answer_503(route: Route) -> None:
        route.fulfill(status=503, body="busy")

    page.route("**/tasks/preview/", answer_503)
    press_preview(page)
    expect(page.get_by_text("There is no preview")).to_be_visible()
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_focused()
    expect_form_as_filled(page)

    page.unroute("**/tasks/preview/")
    press_preview(page)
    expect(heading_of(page)).to_be_focused()
    expect(page.get_by_text("There is no preview")).to_be_hidden()
    page.close()


def test_without_javascript_preview_leads_back(open_page: OpenPage, stand_in: StandIn) -> None:
    page = open_page(**NO_JAVASCRIPT)
    fill_form(page)
    press_preview(page)

    expect(page).to_have_url("/tasks/preview/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preview of Typed")
    expect(page.get_by_role("heading", level=2)).to_have_text(
        f"{flagged_count(stand_in)} batches match"
    )
    page.get_by_role("button", name="Back to the form").click()

    expect(page).to_have_url("/tasks/new/")
    expect_form_as_filled(page)
    assert Task.objects.count() == 0
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Typed")
    assert Task.objects.get().page_size == 250


def test_without_javascript_errors_are_shown_and_saving_works(
    open_page: OpenPage,
) -> None:
    page = open_page(**NO_JAVASCRIPT)
    fill_form(page)
    page.get_by_label("Output File").fill("typed.xml")
    page.get_by_label("Page Size", exact=True).fill("many")
    press_preview(page)

    expect(page.locator("#id_page_size_error")).to_be_visible()
    page.get_by_label("Page Size", exact=True).fill("250")
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("Field", exact=True)).to_have_count(2)
    expect_form_as_filled(page)
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Typed")
    assert Task.objects.get().output_file == "typed.xml"


def test_preview_works_by_keyboard(page: Page) -> None:
    fill_form(page)
    page.get_by_role("button", name="Save", exact=True).last.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading_of(page)).to_be_focused()
    wait_for_htmx(page)

    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 13)"))
    assert reached[0] == "Close preview"
    # Table and XML can be scrolled by keyboard.
    assert page.evaluate("document.querySelector('#preview .table-scroll').tabIndex") == 0
    assert page.evaluate("document.querySelector('#preview pre.xml').tabIndex") == 0


@pytest.mark.parametrize("options", [{}, DARK, SMALL, SMALL | DARK], ids=str)
def test_preview_is_accessible_and_fits_the_window(
    open_page: OpenPage, options: dict[str, object]
) -> None:
    page = open_page(**options)
    task = save_task(Connection.objects.get(), include_extra_fields=True)

    page.goto(f"/tasks/{task.pk}/preview/")
    page.get_by_role("link", name="Preview now").click()
    page.locator("#preview-heading").wait_for()
    expect(page.get_by_role("heading", level=2)).to_have_text("120 batches match")
    findings = examine(page)
    assert findings == [], report(findings)
    assert_no_wider(page)

    page.goto(f"/tasks/{task.pk}/edit/")
    press_preview(page)
    expect(heading_of(page)).to_be_focused()
    findings = [found for found in examine(page) if found.is_grave]
    assert findings == [], report(findings)
    assert_no_wider(page)


def assert_no_wider(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
