"""The page shows the progress of a connection test (rule C4)."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from tests.conftest import make_connection


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
    expect(page.locator("#test-said")).to_have_text(
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
    expect(page.locator("#test-said")).to_have_text(
        "Stand-in was tested: a step failed, see below."
    )
    expect(page.locator(".steps li").nth(1)).to_contain_text("does not know the company nobody")


def test_expired_login_leads_to_login_page(page: Page, slow: StandIn) -> None:
    connection = make_connection(slow)
    page.goto(f"/connections/{connection.pk}/")
    page.context.clear_cookies(name=re.compile("^cwexport_session"))

    page.get_by_role("button", name="Test connection").click()

    expect(page.get_by_label("User name")).to_be_visible()
