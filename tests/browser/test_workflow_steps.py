"""The steps of a workflow in a real browser: buttons, keyboard, dragging, and no script."""

import pytest
from playwright.sync_api import Page, expect

from exports.models import Connection, Task, Workflow
from tests.browser.conftest import NO_JAVASCRIPT, OpenPage
from tests.browser.settling import wait_for_htmx
from tests.conftest import save_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAMES = ("First", "Second", "Third")


@pytest.fixture
def tasks(transactional_db: None) -> list[Task]:
    made = Connection(name="Acme", site="https://na.myconnectwise.net", company="acme")
    made.public_key = "AbCdEf"
    made.write_private_key("pK-9z")
    made.save()
    return [save_task(made, name=name, output_file=f"{name}.xml") for name in NAMES]


def names(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("[data-step] .step-name").all_inner_texts()]


def add(page: Page, name: str, count: int) -> None:
    page.get_by_label("Task to add").select_option(name)
    page.get_by_role("button", name="Add step").click()
    expect(page.locator("[data-step]")).to_have_count(count)


def drag_above(page: Page, row: str, target: str) -> None:
    wait_for_htmx(page)
    expect(page.locator(f"{row}[draggable=true]")).to_be_visible()
    page.locator(row).hover()
    page.mouse.down()
    box = page.locator(target).bounding_box()
    assert box
    # The first move starts dragging, and only a later one is over the target.
    page.mouse.move(box["x"] + 20, box["y"] + 8, steps=8)
    page.mouse.move(box["x"] + 20, box["y"] + 3)
    expect(page.locator(f"{target}.is-target")).to_be_visible()
    page.mouse.up()


def test_steps_are_ordered_by_keyboard_and_dragging(page: Page, tasks: list[Task]) -> None:
    page.goto("/workflows/new/")
    page.get_by_label("Workflow Name").fill("Month end")
    for count, name in enumerate(NAMES, 1):
        add(page, name, count)
        expect(page.get_by_label("Task to add")).to_be_focused()
    page.get_by_role("button", name="Move step 1 down").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#step-announcement")).to_have_text("Step 1 is now step 2 of 3.")
    expect(page.get_by_role("button", name="Move step 2 down")).to_be_focused()
    assert names(page) == ["Second", "First", "Third"]

    drag_above(page, "#step-3", "#step-1")
    expect(page.locator("#step-1 .step-name")).to_have_text("Third")
    assert names(page) == ["Third", "Second", "First"]
    page.get_by_role("button", name="Remove step 2").click()
    expect(page.locator("[data-step]")).to_have_count(2)
    page.get_by_label("Workflow Name").press("Enter")
    page.wait_for_url("**/workflows/*/")

    assert [task.name for task in Workflow.objects.get().tasks()] == ["Third", "First"]


def test_steps_are_ordered_without_javascript(open_page: OpenPage, tasks: list[Task]) -> None:
    page = open_page(**NO_JAVASCRIPT)
    page.goto("/workflows/new/")
    page.get_by_label("Workflow Name").fill("Month end")
    for count, name in enumerate(NAMES[:2], 1):
        add(page, name, count)
    page.get_by_role("button", name="Move step 2 up").click()
    expect(page.locator("#step-1 .step-name")).to_have_text("Second")
    # Chosen and not added: saving adds it.
    page.get_by_label("Task to add").select_option("Third")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/workflows/*/")

    assert [task.name for task in Workflow.objects.get().tasks()] == ["Second", "First", "Third"]
