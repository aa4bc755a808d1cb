"""The page shows the progress of a connection test (rule C4)."""

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Page, expect

from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models import Destination
from tests.conftest import make_connection
from tests.delivery.destinations import make_destination
from tests.delivery.sftp_server import PASSWORD, USER, SftpSink


@pytest.fixture
def slow() -> Iterator[StandIn]:
    with StandIn(Store(seed_batches(20)), latency=0.7) as server:
        yield server


def test_steps_pass_one_after_the_other(page: Page, slow: StandIn) -> None:
    connection = make_connection(slow)
    page.goto(f"/connections/{connection.pk}/")
    steps = page.locator(".steps li")

    page.get_by_role("button", name="Test connection").click()

    expect(steps.nth(1)).to_contain_text("Testing")
    expect(steps.nth(0)).to_contain_text("Passed")
    expect(steps.nth(5)).to_contain_text("Waiting")
    expect(page.locator("#test-announcement")).to_have_text(
        "Stand-in was tested: it works, with a warning."
    )
    expect(steps.locator(".status")).to_have_text([*["Passed"] * 4, "Warning", "Passed"])
    expect(page.get_by_role("button", name="Test connection")).to_be_focused()


def test_save_and_test_names_the_failed_step(page: Page, slow: StandIn) -> None:
    connection = make_connection(slow, company="nobody")
    page.goto(f"/connections/{connection.pk}/")

    page.get_by_role("button", name="Save and test").click()

    expect(page.get_by_text("Connection Stand-in was saved.")).to_be_visible()
    expect(page.locator(".steps li").nth(1)).to_contain_text(re.compile("Testing|Failed"))
    expect(page.locator("#test-announcement")).to_have_text(
        "Stand-in was tested: a step failed, see below."
    )
    expect(page.locator(".steps li").nth(1)).to_contain_text("does not know the company nobody")


def test_expired_login_leads_to_login_page(page: Page, slow: StandIn) -> None:
    connection = make_connection(slow)
    page.goto(f"/connections/{connection.pk}/")
    page.context.clear_cookies(name=re.compile("^cwexport_session"))

    page.get_by_role("button", name="Test connection").click()

    expect(page.get_by_label("User name")).to_be_visible()


def test_destination_test_shows_its_steps(page: Page) -> None:
    """Once: a fault of the script would load the page anew with a second test."""
    destination = Destination.objects.export_folder()
    page.goto(f"/destinations/{destination.pk}/")
    page.evaluate("window.isSamePage = true")

    page.get_by_role("button", name="Test destination").click()

    expect(page.locator("#test-announcement")).to_contain_text("was tested")
    statuses = page.locator("#test-result .status")
    expect(statuses.first).to_have_text("Passed")
    assert page.evaluate("window.isSamePage") is True


@pytest.mark.rule("U3")
def test_test_in_a_list_shows_its_steps(page: Page, slow: StandIn) -> None:
    make_connection(slow)
    Destination.objects.export_folder()
    for address in ("/connections/", "/destinations/"):
        page.goto(address)
        page.get_by_role("button", name=re.compile("^Test")).first.click()

        page.wait_for_url(re.compile(f"{address}\\d+/$"))
        expect(page.locator("#test-announcement")).to_contain_text("was tested")


@pytest.mark.rule("U3")
def test_test_in_a_renewed_list_shows_its_steps(page: Page, slow: StandIn) -> None:
    make_connection(slow)
    page.goto("/connections/")
    page.locator("#id_name").fill("stand-in")
    page.locator("#id_name").press("Enter")
    page.wait_for_url("**/connections/?name=stand-in")
    page.get_by_role("button", name=re.compile("^Test")).click()

    page.wait_for_url(re.compile(r"/connections/\d+/$"))
    expect(page.locator(".steps li").first).to_be_visible()
    expect(page.locator("#test-announcement")).to_contain_text("was tested")


@pytest.mark.rule("U3")
def test_stopped_test_stores_nothing(page: Page, slow: StandIn) -> None:
    may_answer = Event()
    slow.on_request(lambda request: may_answer.wait(15))
    connection = make_connection(slow)
    page.goto(f"/connections/{connection.pk}/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".steps li").nth(0)).to_contain_text("Testing")

    page.get_by_role("button", name="Stop the test").click()

    expect(page.locator("#test-announcement")).to_contain_text("was stopped")
    expect(page.get_by_role("button", name="Test connection")).to_be_focused()
    expect(page.get_by_text("Not tested since the last change.")).to_be_visible()
    may_answer.set()
    expect(page.get_by_role("button", name="Stop the test")).to_be_hidden()
    connection.refresh_from_db()
    assert connection.last_tested_at is None


def test_pinned_host_key_is_shown_after_its_test(page: Page, tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    with SftpSink(tmp_path).running() as sink:
        address = {"host": "127.0.0.1", "port": sink.port, "user": USER, "folder": "/upload"}
        destination = make_destination("sftp", address, {"password": PASSWORD})
        page.goto(f"/destinations/{destination.pk}/")
        expect(page.get_by_text("The first test pins the key")).to_be_visible()

        page.get_by_role("button", name="Test destination").click()

        expect(page.locator("#test-announcement")).to_contain_text("every step passed")
        panel = page.get_by_role("region", name="Host key")
        expect(panel).to_contain_text(sink.host_key.get_fingerprint())
        expect(panel.get_by_role("button", name="Forget the pinned key")).to_be_visible()
