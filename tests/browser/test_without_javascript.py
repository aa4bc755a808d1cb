"""The main job in a browser that runs no scripts."""

import hashlib
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import Run, Task
from tests.browser.conftest import NO_JAVASCRIPT, OpenPage
from tests.browser.test_main_job import fill_condition

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_main_job(open_page: OpenPage, stand_in: StandIn, worker: None, tmp_path: Path) -> None:
    page = open_page(**NO_JAVASCRIPT)
    create_connection(page, stand_in)
    create_task(page)
    page.get_by_role("button", name="Run now").first.click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    wait_for_the_end(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download", exact=True).click()
    saved = tmp_path / "saved.xml"
    waiting.value.save_as(saved)

    run = Run.objects.get()
    assert (run.status, run.batch_count) == ("succeeded", 1)
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == run.file_sha256
    page.goto("/runs/")
    expect(page.get_by_role("table").first.get_by_text("Without scripts").first).to_be_visible()


def create_connection(page: Page, stand_in: StandIn) -> None:
    account = Account()
    page.goto("/connections/new/")
    page.get_by_label("Name", exact=True).fill("Acme")
    page.get_by_label("Site").fill(stand_in.url)
    page.get_by_label("Company").fill(account.company)
    page.get_by_label("Public Key").fill(account.public_key)
    page.get_by_label("Private Key").fill(account.private_key)
    page.get_by_label("Client ID").fill(account.client_id)
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text("Acme was tested").first).to_be_visible()


def create_task(page: Page) -> None:
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Without scripts")
    page.get_by_label("Output File").fill("batches.xml")
    page.get_by_label("Export Modified, New or All Records").select_option("All")
    fill_condition(page, 0, "id", "Equal", "284")
    page.get_by_role("button", name="Add condition").click()
    fill_condition(page, 1, "batchIdentifier", "NotEqual", "null")
    page.get_by_role("button", name="Add condition").click()
    fill_condition(page, 2, "id", "LessThan", "0")
    page.get_by_role("button", name="Remove condition 3").click()
    page.get_by_role("button", name="Move condition 2 up").click()
    page.get_by_role("button", name="Preview").first.click()
    expect(page.get_by_text("20191015172525").first).to_be_visible()
    page.get_by_role("button", name="Back to the form").click()
    expect(page.get_by_label("Task Name")).to_have_value("Without scripts")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    assert Task.objects.get().rendered_conditions() == "batchIdentifier != null and id = 284"


def wait_for_the_end(page: Page) -> None:
    """The page reloads itself or has a link that does; follow it until the run is over."""
    deadline = time.monotonic() + 120
    while page.get_by_role("link", name="Download", exact=True).count() == 0:
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        expect(
            page.get_by_text("Reload now").or_(page.get_by_text("Download")).first
        ).to_be_visible()
        page.wait_for_timeout(300)
        page.reload()


def test_run_is_cancelled_and_wrong_form_refused(open_page: OpenPage, stand_in: StandIn) -> None:
    page = open_page(**NO_JAVASCRIPT)
    create_connection(page, stand_in)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Wrong")
    page.get_by_label("Output File").fill("wrong.xml")
    fill_condition(page, 0, "id", "Equal", "many")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The value for id").first).to_be_visible()
    expect(page.get_by_label("Value").first).to_have_value("many")

    page.get_by_label("Value").first.fill("284")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_role("button", name="Run now").first.click()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    assert Run.objects.get().status == "cancelled"
