"""Many tasks in a real browser: what is ticked or typed outlives a list that renews itself."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from exports.models import Acknowledgement, Connection, Task
from exports.reporting.task_choices import MAX_OPTIONS
from tests.browser.test_live_pages import ask_now
from tests.screen_fixtures import fail, succeed

MakeTask = Callable[..., Task]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_ticked_tasks_stay_ticked_and_run(page: Page, make_task: MakeTask) -> None:
    first, second = (make_task(name=name, output_file=f"{name}.xml") for name in ("One", "Two"))
    succeed(first)
    page.goto(reverse("home"))
    button = page.locator("#run-selected-button")
    expect(button).to_be_disabled()
    page.get_by_label("Select One").focus()
    page.keyboard.press("Space")
    expect(button).to_have_text("Run selected (1)")
    page.get_by_label("Select all tasks of this page").check()
    expect(button).to_have_text("Run selected (2)")

    succeed(second)
    ask_now(page)
    expect(page.locator(f"#task-{second.pk}")).to_contain_text("Succeeded")
    expect(page.get_by_label("Select Two")).to_be_checked()
    expect(button).to_have_text("Run selected (2)")
    button.click()
    expect(page.locator("#messages")).to_contain_text("2 runs started: One, Two.")


def test_typed_note_outlives_renewal(page: Page, make_task: MakeTask) -> None:
    run = fail(make_task(name="Broken"))
    page.goto(reverse("home"))
    page.get_by_text("Acknowledge", exact=False).first.click()
    note = page.locator(f"#seen-runs-{run.pk}-note")
    note.fill("Asked for a new key")
    other = make_task(name="Other", output_file="other.xml")
    fail(other)
    ask_now(page)
    expect(page.locator(f"#task-{other.pk}")).to_contain_text("Failed")
    expect(note).to_have_value("Asked for a new key")
    note.press("Enter")
    expect(page.locator("#messages")).to_contain_text(f"{run} is acknowledged.")
    expect(page.get_by_text("1 acknowledged")).to_be_visible()
    assert Acknowledgement.objects.get().note == "Asked for a new key"


def test_names_are_offered_while_typing(page: Page, connection: Connection) -> None:
    names = [f"Branch {number:04}" for number in range(MAX_OPTIONS + 1)]
    Task.objects.bulk_create(
        Task(name=name, connection=connection, output_file=name, output_file_key=name)
        for name in names
    )
    page.goto(reverse("run-list"))
    page.get_by_label("Task", exact=True).press_sequentially("0012")
    expect(page.locator("datalist option")).to_have_count(1)
    expect(page.locator("datalist option")).to_have_attribute("value", "Branch 0012")
