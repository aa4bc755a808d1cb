"""Home while runs are active, and the history with its filters, in a browser."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from exports.models import Run, Task
from tests.browser.conftest import NO_JAVASCRIPT, Visit
from tests.conftest import MakeTask

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OWNER = "worker-1"

OpenPage = Callable[..., Page]


@pytest.fixture
def tasks(make_task: MakeTask, user: User) -> dict[str, Task]:
    """Thirty failed runs of one task, two of another that somebody started."""
    nightly = make_task()
    weekly = make_task(name="Weekly", output_file="weekly.xml")
    for number in range(30):
        _fail(nightly, f"ConnectWise answered {number}.")
    for _ in range(2):
        _fail(weekly, "Cut off.", user)
    return {"nightly": nightly, "weekly": weekly}


def _fail(task: Task, sentence: str, user: User | None = None) -> Run:
    run = task.queue_run("manual", user)
    run.claim(OWNER)
    run.fail(OWNER, sentence)
    return run


def test_filter_stays_in_the_address(page: Page, tasks: dict[str, Task]) -> None:
    page.goto("/runs/")
    expect(page.locator(".found-count")).to_have_text("32 runs")
    page.get_by_label("Task").focus()
    page.get_by_label("Task").select_option("Weekly")
    expect(page.locator(".found-count")).to_have_text("2 runs")
    expect(page).to_have_url(re.compile(rf"/runs/\?task={tasks['weekly'].pk}$"))
    expect(page.get_by_label("Task")).to_be_focused()
    expect(page.locator("#history-count")).to_have_text("2 runs")

    page.get_by_label("Status").select_option("Succeeded")
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    page.go_back()
    expect(page.locator(".found-count")).to_have_text("2 runs")
    expect(page.get_by_label("Status")).to_have_value("")
    expect(page.get_by_label("Task")).to_have_value(str(tasks["weekly"].pk))

    page.get_by_role("link", name="Remove the filter Task: Weekly").first.click()
    expect(page.locator(".found-count")).to_have_text("32 runs")
    expect(page).to_have_url(re.compile(r"/runs/$"))


def test_sorting_and_paging_keep_the_focus(page: Page, tasks: dict[str, Task]) -> None:
    page.goto("/runs/?status=failed")
    page.locator("#plots > summary").click()
    page.get_by_role("link", name="Run", exact=True).press("Enter")
    expect(page).to_have_url(re.compile(r"status=failed&sort=number"))
    oldest = Run.objects.earliest("id").pk
    expect(page.locator("#history-rows tbody tr").first).to_contain_text(str(oldest))
    expect(page.locator("#sort-number")).to_be_focused()
    expect(page.locator("#plots")).not_to_have_attribute("open", "")

    page.get_by_role("link", name="Next").click()
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2, 32 in all")
    # A filter set now keeps the chosen order.
    page.get_by_label("Task").select_option("Weekly")
    expect(page.locator(".found-count")).to_have_text("2 runs")
    expect(page).to_have_url(re.compile(r"sort=number"))


def test_a_wrong_day_is_reported_beside_filters(page: Page, tasks: dict[str, Task]) -> None:
    page.goto("/runs/")
    page.get_by_label("Started from").fill("0001-01-01")
    expect(page.get_by_role("alert")).to_contain_text("Started from: This is not a day")
    page.get_by_label("Started from").fill("2020-01-01")
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.locator(".found-count")).to_have_text("32 runs")


def test_the_history_is_filtered_without_javascript(
    open_page: OpenPage, tasks: dict[str, Task]
) -> None:
    page = open_page(**NO_JAVASCRIPT)
    page.goto("/runs/")
    page.get_by_label("Task").select_option("Weekly")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".found-count")).to_have_text("2 runs")
    expect(page.get_by_label("Task")).to_have_value(str(tasks["weekly"].pk))


def test_what_was_filtered_is_downloaded_as_csv(
    page: Page, tasks: dict[str, Task], tmp_path: Path
) -> None:
    page.goto("/runs/")
    page.get_by_label("Task").select_option("Weekly")
    expect(page.locator(".found-count")).to_have_text("2 runs")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export as CSV").click()
    assert re.fullmatch(r"runs-\d{4}-\d\d-\d\d\.csv", waiting.value.suggested_filename)
    saved = tmp_path / "runs.csv"
    waiting.value.save_as(saved)
    rows = csv.reader(saved.read_text().splitlines())
    assert [row[1] for row in rows] == ["task", "Weekly", "Weekly"]


def test_plots_have_tables_and_patterns(page: Page, tasks: dict[str, Task]) -> None:
    page.goto("/runs/")
    legend = page.locator(".chart-legend li")
    expect(legend).to_have_text(["Failed"])
    assert legend.locator("path.chart-cross").count() == 1
    page.get_by_text("Runs as a table").click()
    expect(page.get_by_role("group", name="Runs as a table").locator("tbody tr")).to_have_count(32)


def test_home_follows_a_run_to_its_end(page: Page, make_task: MakeTask) -> None:
    task, idle = make_task(), make_task(name="Idle", output_file="idle.xml")
    _fail(idle, "Cut off.")
    run = task.queue_run("manual")
    run.claim(OWNER)
    run.progress(OWNER, fetched_count=10, expected_count=1_000, activity="fetching")
    page.goto("/")
    section = page.locator("#home-attention")
    expect(section).to_contain_text("10 of 1,000 batches fetched")
    table = page.locator(".tasks-head")
    stood_at = table.bounding_box()
    page.get_by_role("link", name="Idle", exact=True).focus()

    run.progress(OWNER, fetched_count=600)
    expect(section).to_contain_text("600 of 1,000 batches fetched")
    assert table.bounding_box() == stood_at
    expect(page.get_by_role("link", name="Idle", exact=True)).to_be_focused()

    run.fail(OWNER, "ConnectWise answered 503.")
    expect(section).to_contain_text("ConnectWise answered 503.")
    expect(page.locator(f"#task-{task.pk} .status")).to_have_text("Failed")
    assert table.bounding_box() == stood_at
    expect(page.locator("#home-poll")).not_to_have_attribute("hx-get", re.compile("."))


def test_home_warns_when_no_worker_is_alive(page: Page, make_task: MakeTask) -> None:
    run = make_task().queue_run("manual")
    Run.objects.filter(pk=run.pk).update(queued_at=timezone.now() - timedelta(minutes=5))
    page.goto("/")
    expect(page.get_by_text("A run is waiting, but no worker is alive.")).to_be_visible()


@pytest.mark.parametrize("name", ["history", "task", "connections", "home"])
def test_a_table_fits_a_window_of_1280_pixels(visit: Visit, name: str) -> None:
    page = visit(name)
    hidden = "tables => tables.map(one => one.scrollWidth - one.clientWidth)"
    assert set(page.locator(".table-scroll:visible").evaluate_all(hidden)) == {0}
