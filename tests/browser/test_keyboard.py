"""The main job by keyboard alone: only Tab, Enter, Space, arrows and letters."""

import re

import pytest
from playwright.sync_api import Page, expect

from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import Run, Task
from tests.browser.conftest import STILL, OpenPage, Visit
from tests.browser.hands import Hands
from tests.browser.sample.starting import PASSWORD, USER
from tests.browser.settling import settle

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_main_job_works_by_keyboard(open_page: OpenPage, stand_in: StandIn, worker: None) -> None:
    page = open_page(**STILL)
    page.context.clear_cookies()
    hands = Hands(page)
    log_in(page, hands)
    create_connection(page, hands, stand_in)
    create_task(page, hands)

    hands.press(page.get_by_role("button", name="Run now").first)
    expect(page).to_have_url(re.compile(r"/runs/\d+/$"))
    download = page.get_by_role("link", name="Download", exact=True)
    expect(download).to_be_visible()
    hands.tab_to(download)
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")

    run = Run.objects.get()
    assert waiting.value.suggested_filename == f"batches-run-{run.pk}.xml"
    assert Task.objects.get().rendered_conditions() == 'id >= 1 or batchIdentifier contains "2026"'
    assert (run.status, run.error) == ("succeeded", "")
    assert not hands.faults, "\n".join(hands.faults)


def log_in(page: Page, hands: Hands) -> None:
    page.goto("/connections/")
    hands.type_into(page.get_by_label("User name"), USER)
    hands.type_into(page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"//[^/]+/connections/$"))


def create_connection(page: Page, hands: Hands, stand_in: StandIn) -> None:
    account = Account()
    # Back on the page that said there is none yet.
    hands.press(page.get_by_role("main").get_by_role("link", name=re.compile("connection")).first)
    page.wait_for_url(re.compile("/connections/new/$"))
    hands.type_into(page.get_by_label("Name", exact=True), "Acme")
    hands.type_into(page.get_by_label("Site"), stand_in.url)
    hands.type_into(page.get_by_label("Company"), account.company)
    hands.type_into(page.get_by_label("Public Key"), account.public_key)
    hands.type_into(page.get_by_label("Private Key"), account.private_key)
    hands.type_into(page.get_by_label("Client ID"), account.client_id)
    hands.press(page.get_by_role("button", name="Save and test"), "Space")
    expect(page.get_by_text("Acme was tested").first).to_be_visible()


def create_task(page: Page, hands: Hands) -> None:
    hands.press(page.get_by_role("link", name="Home"))
    hands.press(page.get_by_role("main").get_by_role("link", name=re.compile("task", re.I)).first)
    page.wait_for_url(re.compile("/tasks/new/$"))
    hands.type_into(page.get_by_label("Task Name"), "By keyboard")
    hands.type_into(field(page, 0, "Field"), "id")
    hands.choose(field(page, 0, "Comparison"), "GreaterThanOrEqual")
    hands.type_into(field(page, 0, "Value"), "1")
    hands.choose(field(page, 0, "Logic Operator"), "Or")
    hands.press(page.get_by_role("button", name="Add condition"))
    expect(page.get_by_label("Value")).to_have_count(2)
    # The new row has the focus, so work goes on there.
    expect(field(page, 1, "Field")).to_be_focused()
    hands.type_into(field(page, 1, "Field"), "batchIdentifier")
    hands.choose(field(page, 1, "Comparison"), "Contains")
    hands.type_into(field(page, 1, "Value"), '"2026"')
    hands.choose(page.get_by_label("Export Modified, New or All Records"), "All")
    hands.type_into(page.get_by_label("Output File"), "batches.xml")
    hands.press(page.get_by_role("button", name="Preview"))
    expect(page.locator("#preview-heading")).to_be_focused()
    hands.tab_to(page.get_by_role("button", name="Save", exact=True).last, "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))


def field(page: Page, row: int, label: str):
    return page.get_by_label(label).nth(row)


def test_skip_link_leads_past_the_navigation(visit: Visit) -> None:
    page = visit("home", **STILL)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)

    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")


def test_user_menu_works_by_keyboard(visit: Visit) -> None:
    page = visit("home", **STILL)
    hands = Hands(page)
    button = page.get_by_role("button", name=USER)
    hands.press(button)
    first = page.get_by_role("link", name="My account")
    expect(first).to_be_visible()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()

    page.keyboard.press("Escape")
    expect(first).to_be_hidden()
    expect(button).to_be_focused()
    assert not hands.faults, "\n".join(hands.faults)


@pytest.mark.parametrize(
    "name", ["home", "connection tested", "edit task", "task, unfolded", "history", "run succeeded"]
)
def test_focus_shows_at_every_stop(visit: Visit, name: str) -> None:
    page = visit(name, **STILL)
    page.evaluate("() => { scrollTo(0, 0); document.activeElement.blur(); }")
    hands = Hands(page)
    hands.tab_to(page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Tab")
    # Once around the page, back to the start.
    hands.tab_to(page.get_by_role("link", name="Skip to the content"))

    assert not hands.faults, "\n".join(hands.faults)


# The lists come anew with more above the focus, as they do when other tasks fail meanwhile.
_RENEW_LONGER = """() => {
    const lists = document.getElementById("home-lists");
    const longer = "<p>A notice</p>".repeat(60) + lists.innerHTML;
    htmx.swap(lists, longer, { swapStyle: "innerHTML" });
}"""


def test_focus_stays_in_sight_when_more_comes_above(visit: Visit) -> None:
    page = visit("home", **STILL)
    link = page.locator(f"#{page.locator('#home-lists a[id]:visible').first.get_attribute('id')}")
    hands = Hands(page)
    hands.tab_to(link)
    page.evaluate(_RENEW_LONGER)
    expect(link).to_be_focused()
    hands.look()
    assert not hands.faults, "\n".join(hands.faults)

    # Who scrolls away stays where he is.
    page.mouse.wheel(0, -5000)
    expect(link).not_to_be_in_viewport()
    page.evaluate(_RENEW_LONGER)
    settle(page)
    expect(link).not_to_be_in_viewport()
