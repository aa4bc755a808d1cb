"""Leaving a form with changes asks, Back brings them back; dates are picked; "/" finds batches."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Dialog, Page, expect

from exports.models import Task
from tests.browser.conftest import OpenPage
from tests.conftest import MakeTask, run_now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def answering(page: Page, *, stay: bool) -> list[str]:
    """The kinds of questions that are asked from now on, each answered so."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if stay:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    return asked


def go_home(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Home").click()


@pytest.mark.rule("E2")
def test_changed_form_asks_before_leaving(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    page.goto(f"/tasks/{task.pk}/edit/")
    asked = answering(page, stay=True)
    name = page.get_by_label("Task Name")
    name.fill("Renamed")
    go_home(page)
    expect(name).to_have_value("Renamed")
    assert asked == ["beforeunload"]

    # Typed back, nothing is lost any more; a new row is a change again.
    name.fill(task.name)
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("Value")).to_have_count(2)
    go_home(page)
    expect(page).to_have_url(re.compile("/edit/$"))
    assert asked == ["beforeunload"] * 2


@pytest.mark.rule("E2")
def test_unchanged_and_sent_forms_ask_nothing(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    asked = answering(page, stay=True)
    page.goto(f"/tasks/{task.pk}/edit/")
    go_home(page)
    expect(page).to_have_url(re.compile(r"//[^/]+/$"))

    page.goto(f"/tasks/{task.pk}/edit/")
    page.get_by_label("Task Name").fill("Renamed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Renamed")).to_be_visible()
    assert asked == []


@pytest.mark.rule("E2")
def test_refused_form_asks_before_leaving(page: Page, make_task: MakeTask) -> None:
    make_task()
    asked = answering(page, stay=True)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Without a file")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_title(re.compile("Not saved"))
    page.get_by_label("Task Name").focus()
    go_home(page)
    expect(page.get_by_label("Task Name")).to_have_value("Without a file")
    assert asked == ["beforeunload"]


@pytest.mark.rule("E2")
def test_back_brings_typed_values_back(page: Page, make_task: MakeTask) -> None:
    make_task()
    page.goto("/tasks/new/")
    answering(page, stay=False)
    page.get_by_label("Task Name").fill("Half done")
    page.get_by_label("Value").fill('"first"')
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("Value")).to_have_count(2)
    page.get_by_label("Value").last.fill('"second"')
    go_home(page)
    expect(page).to_have_url(re.compile(r"//[^/]+/$"))

    page.go_back()
    expect(page.get_by_label("Task Name")).to_have_value("Half done")
    expect(page.get_by_label("Value")).to_have_count(2)
    expect(page.get_by_label("Value").first).to_have_value('"first"')
    expect(page.get_by_label("Value").last).to_have_value('"second"')


@pytest.mark.rule("W14")
def test_dates_are_picked_and_shown_in_utc(open_page: OpenPage, make_task: MakeTask) -> None:
    page = open_page(timezone_id="America/New_York")
    task = make_task(export="modified")
    run_now(task)
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_text("Change the dates").click()
    date = page.get_by_label("Date Modified", exact=True)
    box = page.locator("[data-utc]").filter(has=date)
    box.get_by_role("button", name="Start of this month").click()
    expect(date).to_have_value(f"{datetime.now(UTC):%Y-%m}-01T00:00:00Z")
    box.get_by_label("Pick the date and time, in UTC").fill("2025-06-01T00:00")
    expect(date).to_have_value("2025-06-01T00:00:00Z")
    expect(box.get_by_role("button", name="Last close (run")).to_be_visible()
    date.fill("2025-06-01")
    date.press("Enter")

    expect(page.get_by_text("is now 2025-06-01 00:00:00 UTC")).to_be_visible()
    assert Task.objects.get(pk=task.pk).date_modified == datetime(2025, 6, 1, tzinfo=UTC)
    expect(page.locator("#dates")).not_to_contain_text("2025-05-31")
    shown = page.get_by_text("only what was updated after 2025-06-01 00:00:00 UTC")
    expect(shown).to_be_visible()
    go_home(page)
    expect(page.locator(".next-date")).to_have_text("2025-06-01 00:00:00 UTC")


@pytest.mark.rule("W13")
def test_slash_leads_to_search_of_ledger(page: Page, make_task: MakeTask) -> None:
    run_now(make_task())
    page.goto("/")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Did this batch go out?")
    expect(search).to_be_focused()
    search.fill("20191015172525")
    search.press("Enter")
    expect(page.get_by_text("Yes: batch 284 (20191015172525) went out")).to_be_visible()

    field = page.get_by_label("Did this batch go out?", exact=True)
    field.press("/")
    expect(field).to_be_focused()
    expect(field).to_have_value("/20191015172525")
