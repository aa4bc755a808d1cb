"""The main job, by somebody who knows only the words of the specification."""

import hashlib
from pathlib import Path

import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    expect(page.get_by_text("120", exact=False).first).to_be_visible()


def fill_condition(page: Page, row: int, field: str, comparison: str, value: str) -> None:
    page.get_by_label("Field").nth(row).fill(field)
    page.get_by_label("Comparison").nth(row).select_option(comparison)
    page.get_by_label("Value").nth(row).fill(value)


def test_connection_task_run_now_and_download(
    page: Page, stand_in: StandIn, worker: None, tmp_path: Path
) -> None:
    create_connection(page, stand_in)

    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Nightly batches")
    page.get_by_label("Connection").select_option("Acme")
    fill_condition(page, 0, "exportInvoicesFlag", "Equal", "True")
    page.get_by_label("Logic Operator").nth(0).select_option("Or")
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("Value")).to_have_count(2)
    fill_condition(page, 1, "id", "Equal", "284")
    page.get_by_label("Export Modified, New or All Records").select_option("All")
    page.get_by_label("Page Size", exact=True).fill("50")
    page.get_by_label("Output File").fill("batches.xml")
    page.get_by_role("button", name="Save", exact=True).last.click()

    page.get_by_role("button", name="Run now").first.click()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download", exact=True).click()
    saved = tmp_path / "saved.xml"
    waiting.value.save_as(saved)

    run = Run.objects.get()
    wanted = [
        record["id"]
        for record in stand_in.store.records
        if record.get("exportInvoicesFlag") is True or record["id"] == 284
    ]
    assert waiting.value.suggested_filename == f"batches-run-{run.pk}.xml"
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == run.file_sha256
    assert [int(n) for n in etree.parse(saved).xpath("//Batch/id/text()")] == wanted
    page.goto("/runs/")
    expect(page.get_by_role("table").get_by_text("Nightly batches")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Succeeded")).to_be_visible()


def test_condition_rows_keep_what_was_typed(page: Page, stand_in: StandIn) -> None:
    create_connection(page, stand_in)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Typed before")
    for row, value in enumerate(('"a"', '"b"', '"c"')):
        if row:
            page.get_by_role("button", name="Add condition").click()
        expect(page.get_by_label("Value")).to_have_count(row + 1)
        fill_condition(page, row, "batchIdentifier", "Equal", value)

    page.get_by_role("button", name="Move condition 3 up").click()
    expect(page.get_by_label("Value").nth(1)).to_have_value('"c"')
    page.get_by_role("button", name="Remove condition 1").click()
    expect(page.get_by_label("Value")).to_have_count(2)

    assert [page.get_by_label("Value").nth(row).input_value() for row in (0, 1)] == ['"c"', '"b"']
    expect(page.get_by_label("Task Name")).to_have_value("Typed before")


def test_wrong_value_is_refused_and_kept(page: Page, stand_in: StandIn) -> None:
    create_connection(page, stand_in)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Nightly batches")
    page.get_by_label("Output File").fill("batches.xml")
    fill_condition(page, 0, "batchIdentifier", "Equal", 'x" or id>0 or batchIdentifier="')
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_text("The value for batchIdentifier").first).to_be_visible()
    expect(page.get_by_label("Value").first).to_have_value('x" or id>0 or batchIdentifier="')
    expect(page.get_by_label("Task Name")).to_have_value("Nightly batches")


def test_cancelling_a_running_export_is_seen_at_once(
    page: Page, stand_in: StandIn, worker: None
) -> None:
    stand_in.latency = 1.0
    create_connection(page, stand_in)
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Slow")
    page.get_by_label("Page Size", exact=True).fill("5")
    page.get_by_label("Output File").fill("slow.xml")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_role("button", name="Run now").first.click()
    expect(page.get_by_text("Running").first).to_be_visible()

    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()

    run = Run.objects.get()
    assert (run.status, run.file_path) == ("cancelled", "")


def test_comparisons_and_examples_are_not_cut_off(page: Page, stand_in: StandIn) -> None:
    create_connection(page, stand_in)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/tasks/new/")
    wide_as_its_longest = """select => {
        const free = select.cloneNode(true);
        Object.assign(free.style, { position: "absolute", width: "auto" });
        document.body.append(free);
        return free.offsetWidth <= select.offsetWidth;
    }"""
    wide_as_its_placeholder = """input => {
        const drawn = document.createElement("canvas").getContext("2d");
        const style = getComputedStyle(input);
        drawn.font = style.font;
        const room = input.clientWidth - 2 * parseFloat(style.paddingLeft);
        return drawn.measureText(input.placeholder).width <= room;
    }"""
    assert page.get_by_label("Comparison").evaluate(wide_as_its_longest)
    assert page.get_by_label("Value").evaluate(wide_as_its_placeholder)
