"""Searching the ledger, exporting again, undoing a date; and what must not get lost."""

import re

import pytest
from lxml import etree
from playwright.sync_api import Page, Route, expect

from exports.demo.server import StandIn
from exports.models import LoginSession, Run, Task
from tests.conftest import MakeTask, run_now
from tests.run_files import run_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_batch_from_the_ledger_is_exported_again(
    page: Page, make_task: MakeTask, stand_in: StandIn, worker: None
) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("main").get_by_label("Did this batch go out?").fill("284")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text(f"went out, last in run {first.pk} of {task}")).to_be_visible()

    page.get_by_role("button", name="Export these batches again").click()
    expect(page.get_by_text("1 batch chosen from the ledger, exported again")).to_be_visible()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    again = Run.objects.get(trigger="reexport")
    tree = etree.parse(run_file(again))
    assert tree.xpath("//Batch/id/text()") == ["284"]

    page.goto(f"/runs/{first.pk}/")
    page.get_by_role("button", name="Export these batches again").click()
    expect(page.get_by_text(f"Batches of run {first.pk}, exported again")).to_be_visible()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    whole = Run.objects.get(reexport_of_id=first.pk)
    assert whole.batch_count == first.batch_count == len(stand_in.store)
    assert Task.objects.get(pk=task.pk).date_modified == first.date_modified_after


def test_typed_date_has_reason_and_undo(page: Page, make_task: MakeTask) -> None:
    task = make_task(export="modified")
    run_now(task)
    moved = Task.objects.get(pk=task.pk).date_modified
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_text("Change the dates").press("Enter")
    page.get_by_label("Date Modified").fill("2020-01-01")
    page.get_by_label("Reason for a new date").fill("By mistake")
    page.get_by_label("Reason for a new date").press("Enter")
    expect(page.get_by_text("is now 2020-01-01 00:00:00 UTC")).to_be_visible()
    expect(page.get_by_text("By mistake")).to_be_visible()

    page.get_by_role("button", name="Undo the change of Date Modified").press("Enter")
    expect(page.get_by_text("Date Modified of Nightly batches is back at")).to_be_visible()
    expect(page.get_by_text("Undone by accountant")).to_be_visible()
    assert Task.objects.get(pk=task.pk).date_modified == moved


def test_nothing_can_be_typed_while_rows_load(page: Page, make_task: MakeTask) -> None:
    make_task()
    held: list[Route] = []
    page.route(re.compile("/tasks/conditions/$"), lambda route: held.append(route))
    page.goto("/tasks/new/")
    page.get_by_label("Task Name").fill("Typed before")
    page.get_by_label("Value").fill('"kept"')
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("Value")).to_be_disabled()
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_disabled()
    page.get_by_label("Task Name").fill("Typed meanwhile")
    page.get_by_label("Task Name").press("Enter")
    expect(page.get_by_label("Value")).to_have_value('"kept"')

    held[0].continue_()
    expect(page.get_by_label("Value")).to_have_count(2)
    expect(page.get_by_label("Value").first).to_have_value('"kept"')
    expect(page.get_by_label("Value").last).to_be_enabled()
    expect(save).to_be_enabled()
    expect(page.get_by_label("Task Name")).to_have_value("Typed meanwhile")
    assert len(held) == 1


def test_expired_login_is_shown_beside_the_run(page: Page, make_task: MakeTask) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    page.goto(f"/runs/{run.pk}/")
    LoginSession.objects.all().delete()
    expect(page.get_by_text("Your login has expired.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible()

    with page.expect_popup() as opened:
        page.get_by_role("main").get_by_role("link", name="Log in").click()
    expect(opened.value).to_have_url(re.compile(rf"/login/\?next=/runs/{run.pk}/$"))


def test_unreachable_server_is_shown_beside_the_run(page: Page, make_task: MakeTask) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    # A separate page, as Chromium reports each request without an answer as an error.
    page = page.context.new_page()
    page.goto(f"/runs/{run.pk}/")
    notice = page.get_by_text("The dashboard does not answer; trying again…")
    expect(notice).to_be_hidden()
    page.route(re.compile("/progress/"), lambda route: route.abort())
    expect(notice).to_be_visible()

    page.unroute(re.compile("/progress/"))
    expect(notice).to_be_hidden()


def test_starting_message_goes_when_run_ends(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("button", name="Run now").click()
    sentence = page.get_by_text(f"of {task.name} started.")
    expect(sentence).to_be_visible()
    Run.objects.get().cancel()
    expect(page.get_by_text("It was cancelled.")).to_be_visible()
    expect(sentence).to_have_count(0)
