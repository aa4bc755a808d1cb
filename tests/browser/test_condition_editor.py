"""The condition editor in a real browser: help, moves, live text, errors, and no script."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from exports.models import Connection, Task
from tests.browser.conftest import NO_JAVASCRIPT, SMALL, STILL, OpenPage, sign_in
from tests.conftest import save_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Every error of a condition (F3) that can be typed: a row, and words of the sentence.
ERROR_MESSAGES = [
    ("batchIdentifier", "Equal", "2019 b", "is text without quotes"),
    ("batchIdentifier", "Equal", '"2019', "starts with a quote that is not closed"),
    ("batchIdentifier", "Equal", '2019"', "ends with a quote but does not start with one"),
    ("updatedBy", "Equal", '"a"b"', "holds the same quote that is put around it"),
    ("updatedBy", "Equal", '"C:\\temp"', "holds a backslash"),
    ("id", "Equal", "(1, 2)", "is a list; Equal takes one value"),
    ("id", "In", "1, 2", "is not a list"),
    ("id", "In", "()", "is an empty list"),
    ("id", "In", "(1,)", "a comma too many"),
    ("other", "In", '(1, "a")', "is a list that mixes"),
    ("id", "GreaterThan", "null", "is null; GreaterThan takes"),
    ("other", "LessThan", "True", "is a True/False value; LessThan takes"),
    ("lastUpdated", "LessThan", "", "is blank; LessThan takes"),
    ("batchIdentifier", "Contains", "2019", "is a whole number; Contains takes text in quotes"),
    ("lastUpdated", "Equal", "[2001-02-29]", "is a date or time that does not exist"),
    ("lastUpdated", "Equal", "[yesterday]", "is not a date in the ISO 8601 format"),
    ("lastUpdated", "Equal", "2001-02-28", "is not a date in square brackets"),
    ("exportInvoicesFlag", "Equal", '"True"', "but exportInvoicesFlag holds True or False"),
    ("id", "Equal", "2.5", "but id holds whole numbers"),
    ("a/b/c", "Equal", "1", "is not a field"),
    ("and", "Equal", "1", "is a word of the filter language"),
    ("externalId", "Equal", '"1"', "ConnectWise does not know it"),
    ("id", "", "1", "The comparison is missing"),
    ("", "Equal", "1", "The field is missing"),
]


@pytest.fixture
def connection(transactional_db: None) -> Connection:
    """A connection that no test of the editor calls."""
    made = Connection(name="Acme", site="https://na.myconnectwise.net", company="acme")
    made.public_key = "AbCdEf"
    made.is_default = True
    made.write_private_key("pK-9z")
    made.save()
    return made


@pytest.fixture
def editor(page: Page, connection: Connection) -> Page:
    page.goto("/tasks/new/")
    return page


def field(page: Page, row: int = 0) -> Locator:
    return page.locator(f"#id_conditions-{row}-field")


def comparison(page: Page, row: int = 0) -> Locator:
    return page.locator(f"#id_conditions-{row}-comparison")


def value(page: Page, row: int = 0) -> Locator:
    return page.locator(f"#id_conditions-{row}-value")


def fill(page: Page, row: int, name: str, compare: str, text: str) -> None:
    field(page, row).fill(name)
    comparison(page, row).select_option(compare)
    value(page, row).fill(text)


def add(page: Page, row: int) -> None:
    page.get_by_role("button", name="Add condition").click()
    expect(field(page, row)).to_be_focused()


def three_rows(page: Page) -> None:
    for row, text in enumerate(('"a"', '"b"', '"c"')):
        if row:
            add(page, row)
        fill(page, row, "batchIdentifier", "Equal", text)


def values(page: Page) -> list[str]:
    return [each.input_value() for each in page.get_by_label("Value").all()]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def sentence(page: Page) -> Locator:
    return page.locator("#task-description")


def announcement(page: Page) -> Locator:
    return page.locator("#condition-announcement")


def errors(page: Page, row: int = 0) -> Locator:
    return page.locator(".condition-row").nth(row).locator(".field-error")


# --- Fields, comparisons and examples ----------------------------------------------------------


def test_field_brings_its_comparisons_example_and_help(editor: Page) -> None:
    expect(editor.get_by_role("button", name="Quote")).to_be_visible()
    field(editor).fill("lastUpdated")

    expect(value(editor)).to_have_attribute("placeholder", "[2019-10-16T08:31:19Z]")
    expect(editor.get_by_text("Last updated: date", exact=True)).to_be_visible()
    expect(editor.get_by_text("Pick a date")).to_be_visible()
    expect(editor.get_by_role("button", name="Quote")).to_have_count(0)
    assert comparison(editor).locator("option").all_inner_texts() == [
        "Choose…",
        *("Equal", "GreaterThan", "GreaterThanOrEqual", "In"),
        *("LessThan", "LessThanOrEqual", "NotEqual", "NotIn"),
    ]


def test_comparison_that_no_longer_fits_stays_marked(editor: Page) -> None:
    fill(editor, 0, "batchIdentifier", "Contains", '"2019"')
    field(editor).fill("id")

    expect(errors(editor)).to_contain_text("but id holds whole numbers")
    expect(comparison(editor)).to_have_value("Contains")
    expect(comparison(editor)).to_have_attribute("aria-invalid", "true")
    field(editor).fill("updatedBy")
    expect(errors(editor)).to_have_count(0)
    expect(comparison(editor)).to_have_value("Contains")


def test_typing_is_never_disturbed(editor: Page) -> None:
    add(editor, 1)
    value(editor, 1).press_sequentially('"one two three"', delay=90)
    expect(sentence(editor)).to_contain_text("The field is missing")

    expect(value(editor, 1)).to_be_focused()
    expect(value(editor, 1)).to_have_value('"one two three"')
    value(editor, 1).press("ArrowLeft")
    with editor.expect_response(re.compile("/tasks/description/")):
        value(editor, 1).press_sequentially("!")
    caret = value(editor, 1).evaluate("input => input.selectionStart")
    assert (value(editor, 1).input_value(), caret) == ('"one two three!"', 15)


# --- Quick help --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "compare", "typed", "button", "written"),
    [
        ("updatedBy", "Equal", "John", "Quote", '"John"'),
        ("updatedBy", "In", "John, Ben", "Make a list", '("John", "Ben")'),
        ("closedFlag", "Equal", "", "False", "False"),
    ],
)
def test_a_value_gets_what_it_lacks(
    editor: Page, name: str, compare: str, typed: str, button: str, written: str
) -> None:
    fill(editor, 0, name, compare, typed)
    editor.get_by_role("button", name=f"{button}, condition 1").click()

    expect(value(editor)).to_have_value(written)
    expect(value(editor)).to_be_focused()
    expect(announcement(editor)).to_have_text(f"The value of condition 1 is now {written}")
    expect(sentence(editor)).to_contain_text(name)
    value(editor).press_sequentially("!")
    expect(value(editor)).to_have_value(f"{written}!")


def test_a_date_is_picked(editor: Page) -> None:
    fill(editor, 0, "lastUpdated", "GreaterThan", "")
    editor.get_by_text("Pick a date").click()
    expect(editor.get_by_label("Date", exact=True)).to_be_focused()
    editor.get_by_label("Date", exact=True).fill("2026-01-31")
    press(editor, "Use date")
    expect(value(editor)).to_have_value("[2026-01-31]")

    editor.get_by_text("Pick a date").click()
    editor.get_by_label("Date", exact=True).fill("2026-01-31")
    editor.get_by_label("Time in UTC").fill("08:00")
    editor.get_by_label("Time in UTC").press("Enter")
    expect(value(editor)).to_have_value("[2026-01-31T08:00:00Z]")
    expect(sentence(editor)).to_contain_text("lastUpdated is after [2026-01-31T08:00:00Z]")


def test_the_date_picker_closes_by_escape(editor: Page) -> None:
    editor.get_by_text("Pick a date").click()
    editor.get_by_label("Date", exact=True).press("Escape")
    expect(editor.get_by_label("Date", exact=True)).to_be_hidden()
    expect(editor.get_by_text("Pick a date")).to_be_focused()


# --- Add, remove, move -------------------------------------------------------------------------


def test_row_moved_by_button_keeps_focus(editor: Page) -> None:
    three_rows(editor)
    editor.get_by_label("Logic Operator").nth(2).select_option("Or")
    press(editor, "Move condition 3 up")

    expect(announcement(editor)).to_have_text("Condition 3 is now condition 2 of 3.")
    expect(editor.get_by_role("button", name="Move condition 2 up")).to_be_focused()
    editor.keyboard.press("Enter")
    expect(announcement(editor)).to_have_text("Condition 2 is now condition 1 of 3.")
    expect(editor.get_by_role("button", name="Move condition 1 down")).to_be_focused()
    assert values(editor) == ['"c"', '"a"', '"b"']
    assert editor.get_by_label("Logic Operator").nth(0).input_value() == "Or"
    expect(sentence(editor)).to_contain_text(
        '(batchIdentifier = "c" or (batchIdentifier = "a" and batchIdentifier = "b")) and'
    )


def test_row_moved_by_keyboard_keeps_focus(editor: Page) -> None:
    three_rows(editor)
    value(editor, 2).press("Alt+ArrowUp")
    expect(value(editor, 1)).to_be_focused()
    expect(value(editor, 1)).to_have_value('"c"')
    editor.keyboard.press("Alt+ArrowUp")
    expect(value(editor, 0)).to_be_focused()
    editor.keyboard.press("Alt+ArrowUp")
    assert values(editor) == ['"c"', '"a"', '"b"']

    field(editor, 0).press("Alt+ArrowDown")
    expect(field(editor, 1)).to_be_focused()
    assert values(editor) == ['"a"', '"c"', '"b"']


def test_removing_a_row_focuses_the_next(editor: Page) -> None:
    three_rows(editor)
    press(editor, "Remove condition 2")
    expect(field(editor, 1)).to_be_focused()
    expect(announcement(editor)).to_have_text("Condition 2 removed, 2 conditions are left.")
    assert values(editor) == ['"a"', '"c"']


def test_enter_in_a_row_changes_nothing(editor: Page) -> None:
    editor.get_by_label("Task Name").fill("Nightly batches")
    editor.get_by_label("Output File").fill("batches.xml")
    three_rows(editor)
    fill(editor, 0, "batchIdentifier", "Equal", "2019")
    value(editor).press("Enter")

    expect(errors(editor)).to_contain_text("but batchIdentifier holds text")
    expect(value(editor)).to_be_focused()
    assert values(editor) == ["2019", '"b"', '"c"']
    assert editor.url.endswith("/tasks/new/")
    assert Task.objects.count() == 0


# --- Errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "compare", "text", "words"), ERROR_MESSAGES)
def test_invalid_row_is_refused_on_leaving_it(
    editor: Page, name: str, compare: str, text: str, words: str
) -> None:
    fill(editor, 0, name, compare, text)
    expect(sentence(editor)).to_contain_text(words)
    assert errors(editor).count() == 0

    editor.get_by_label("Task Name").focus()
    expect(errors(editor)).to_contain_text(words)
    wrong = editor.locator(".condition-row [aria-invalid=true]")
    expect(wrong).to_have_count(1)
    described = (wrong.get_attribute("aria-describedby") or "").split()
    assert errors(editor).get_attribute("id") == described[-1]
    assert (field(editor).input_value(), value(editor).input_value()) == (name, text)


def test_error_goes_once_it_is_cured(editor: Page) -> None:
    fill(editor, 0, "batchIdentifier", "Equal", "2019")
    editor.get_by_label("Task Name").focus()
    expect(errors(editor)).to_have_count(1)

    value(editor).fill('"2019"')
    expect(errors(editor)).to_have_count(0)
    expect(value(editor)).not_to_have_attribute("aria-invalid", "true")
    value(editor).fill('"2019')
    expect(sentence(editor)).to_contain_text("not closed")
    expect(errors(editor)).to_have_count(0)


def test_saving_shows_every_error_and_focuses_the_first(editor: Page) -> None:
    editor.get_by_label("Task Name").fill("Nightly batches")
    fill(editor, 0, "id", "Equal", "x")
    editor.get_by_label("Page Size", exact=True).fill("0")
    editor.get_by_role("button", name="Save", exact=True).last.click()

    summary = editor.get_by_role("alert").filter(has_text="Nothing was saved yet")
    expect(summary.get_by_role("listitem")).to_have_count(3)
    expect(value(editor)).to_be_focused()
    expect(value(editor)).to_have_value("x")
    assert summary.get_by_role("link").all_inner_texts() == [
        "Condition 1, Value",
        "Page Size",
        "Output File",
    ]
    summary.get_by_role("link", name="Output File").click()
    expect(editor.get_by_label("Output File")).to_be_focused()
    expect(editor.get_by_label("Output File")).to_be_in_viewport()


def test_focused_input_is_not_behind_the_bar(open_page: OpenPage, connection: Connection) -> None:
    page = open_page(**SMALL, **STILL)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").focus()
    hidden = """() => {
        const bar = document.querySelector(".save-bar").getBoundingClientRect();
        const it = document.activeElement.getBoundingClientRect();
        return !document.activeElement.closest(".save-bar") && it.bottom > bar.top + 1;
    }"""
    covered = []
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate(hidden):
            covered.append(page.evaluate("document.activeElement.outerHTML"))
    assert covered == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360


# --- What the next run asks for ----------------------------------------------------------------


def test_each_mode_explains_its_date(editor: Page) -> None:
    mode = editor.get_by_label("Export Modified, New or All Records")
    created, modified = editor.get_by_label("Date Created"), editor.get_by_label("Date Modified")
    next_run = editor.locator("#task-next-run")
    fill(editor, 0, "id", "LessThan", "284")
    modified.fill("2020-01-01")
    expect(sentence(editor)).to_contain_text("(id < 284) and lastUpdated > [2020-01-01T00:00:00Z]")
    expect(next_run).to_contain_text("updated after 2020-01-01T00:00:00Z")
    expect(created).to_be_hidden()

    mode.select_option("New")
    expect(next_run).to_contain_text("created after 1970-01-01T00:00:00Z")
    expect(sentence(editor)).to_contain_text("(id < 284) and id > …")
    expect(modified).to_be_hidden()
    expect(created).to_be_visible()

    mode.select_option("All")
    expect(next_run).to_contain_text("every batch that meets the conditions")
    expect(sentence(editor).locator("code")).to_have_text("id < 284")
    expect(created).to_be_hidden()
    expect(modified).to_be_hidden()


def test_a_refused_date_is_shown_whatever_the_mode(editor: Page) -> None:
    editor.get_by_label("Date Modified").fill("soon")
    editor.get_by_label("Export Modified, New or All Records").select_option("All")
    editor.get_by_role("button", name="Save", exact=True).last.click()

    expect(editor.get_by_label("Date Modified")).to_have_value("soon")
    expect(editor.get_by_label("Date Modified")).to_be_visible()
    expect(editor.get_by_text("soon is not a date from 1753 to 9998").first).to_be_visible()


# --- Without script, and without an answer -----------------------------------------------------


def test_the_editor_works_without_script(open_page: OpenPage, connection: Connection) -> None:
    page = open_page(**NO_JAVASCRIPT)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Nightly batches")
    page.get_by_label("Output File").fill("batches-{run}.xml")
    expect(page.get_by_label("Date Created")).to_be_visible()
    expect(page.get_by_label("Date Modified")).to_be_visible()
    fill(page, 0, "updatedBy", "Equal", "John")
    press(page, "Quote, condition 1")
    expect(value(page)).to_have_value('"John"')
    press(page, "Add condition")
    field(page, 1).fill("lastUpdated")
    comparison(page, 1).select_option("GreaterThan")
    page.get_by_text("Pick a date").nth(0).click()
    page.get_by_label("Date", exact=True).nth(0).fill("2026-01-31")
    press(page, "Use date, condition 2")
    expect(value(page, 1)).to_have_value("[2026-01-31]")
    page.get_by_label("Logic Operator").nth(0).select_option("Or")
    press(page, "Move condition 2 up")
    expect(value(page, 0)).to_have_value("[2026-01-31]")
    expect(page.get_by_label("Task Name")).to_have_value("Nightly batches")
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Nightly batches")
    task = Task.objects.get()
    assert task.rendered_conditions() == (
        'lastUpdated > [2026-01-31T00:00:00Z] and updatedBy = "John"'
    )


def test_unreachable_server_keeps_typed_conditions(
    chromium: Browser, live_server: LiveServer, user: User, connection: Connection
) -> None:
    # Not through `open_page`: htmx rightly logs a missing answer in the console.
    page = chromium.new_page(base_url=live_server.url)
    sign_in(page)
    page.goto("/tasks/new/")
    params = page.locator("#rows-no-answer")
    fill(page, 0, "batchIdentifier", "Equal", '"a"')
    page.route("**/tasks/conditions/", lambda route: route.abort())
    press(page, "Add condition")
    expect(params).to_be_visible()
    expect(page.get_by_role("button", name="Add condition")).to_be_focused()
    assert values(page) == ['"a"']

    page.unroute("**/tasks/conditions/")
    press(page, "Add condition")
    expect(field(page, 1)).to_be_focused()
    expect(params).to_be_hidden()
    page.close()


def test_a_copy_is_saved_as_a_new_task(page: Page, connection: Connection) -> None:
    task = save_task(connection, export="modified")
    page.goto(f"/tasks/{task.pk}/clone/")
    expect(page.get_by_label("Task Name")).to_have_value("Copy of Nightly batches")
    expect(page.get_by_text("the copy begins at").first).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Copy of Nightly batches")
    assert set(Task.objects.values_list("output_file", flat=True)) == {
        "batches.xml",
        "batches-copy.xml",
    }
