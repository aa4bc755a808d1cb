"""The page of a run: followed live, cancelled, without an answer, and when it is over."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from exports.demo.answers import LIST
from exports.demo.faults import Status
from exports.demo.server import StandIn
from exports.models import Run, RunLogEntry
from tests.browser.conftest import NO_JAVASCRIPT, SMALL, OpenPage
from tests.conftest import MakeTask, run_now
from tests.screen_fixtures import OWNER, fail, start

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_TOPS = """() => [".run-bar", ".run-live .stats", "#run-log"].map(
    selector => document.querySelector(selector).getBoundingClientRect().top)"""
_DISTANCE_TO_END = "lines => lines.scrollHeight - lines.scrollTop - lines.clientHeight"
_IS_SAME_DOCUMENT = "() => window.isSameDocument === true"


def follow(page: Page, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/")
    page.evaluate("() => { window.isSameDocument = true }")


def next_answer(page: Page, run: Run) -> None:
    """Wait until the page has polled once more and shows the answer."""
    with page.expect_response(re.compile(rf"/runs/{run.pk}/progress/")):
        pass
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-settling')")


def test_run_is_followed_without_reload(
    page: Page, make_task: MakeTask, stand_in: StandIn, worker: None
) -> None:
    stand_in.latency = 0.5
    task = make_task(page_size=10)
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("button", name="Run now").first.click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    page.evaluate("() => { window.isSameDocument = true }")
    bar = page.get_by_role("progressbar", name="Batches fetched")

    expect(page).to_have_title(re.compile(r"^\d+ % · Run \d+ of Nightly batches"))
    assert bar.get_attribute("max") == str(len(stand_in.store))
    expect(page.get_by_text("a second")).to_be_visible()
    expect(page.get_by_text("Fetching batches").first).to_be_visible()

    expect(page.get_by_role("heading", name="120 batches exported to")).to_be_visible()
    expect(page).to_have_title(re.compile("^Succeeded · Run"))
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    expect(page.locator("#run-announcement")).to_have_text(re.compile("Succeeded"))
    expect(page.get_by_text("120 batches in batches.xml, SHA-256").first).to_be_visible()
    assert page.evaluate(_IS_SAME_DOCUMENT)
    assert page.evaluate("() => document.activeElement === document.body")


@pytest.mark.parametrize("options", [{}, SMALL], ids=["wide", "small"])
def test_nothing_moves_while_a_run_tells_of_itself(
    open_page: OpenPage, make_task: MakeTask, options: dict[str, object]
) -> None:
    page = open_page(**options)
    run = start(make_task())
    follow(page, run)
    before = page.evaluate(_TOPS)
    run.progress(OWNER, activity="fetching", page_count=7)
    run.progress(OWNER, fetched_count=123_456, expected_count=1_234_567, retry_count=3)
    for number in range(30):
        RunLogEntry.objects.create(run=run, level="warning", message=f"Line {number}. " * 9)

    expect(page.get_by_text("123,456")).to_be_visible()
    expect(page.get_by_text("Line 29.").first).to_be_attached()
    assert page.locator("#log-lines").evaluate(_DISTANCE_TO_END) < 1
    assert page.evaluate(_TOPS) == before


def test_a_wait_is_seen_counting_down(
    page: Page, make_task: MakeTask, stand_in: StandIn, worker: None
) -> None:
    stand_in.faults.add(Status(429, retry_after="6", on=(LIST,), times=1))
    task = make_task()
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("button", name="Run now").first.click()

    waits = r"Waiting {} s: ConnectWise asked for it \(429\)\. Then try 2 of 5\."
    expect(page.get_by_text(re.compile(waits.format("[4-7]")))).to_be_visible()
    params = page.get_by_text(re.compile(r"ConnectWise answered 429\. Trying again in \d+ s"))
    expect(params).to_be_visible()
    expect(page.get_by_text(re.compile(waits.format("[1-3]")))).to_be_visible()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    expect(params).to_be_visible()


def test_cancel_answers_at_once_and_keeps_focus(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    follow(page, run)
    page.get_by_role("button", name="Cancel run").focus()
    with page.expect_response(re.compile("/cancel/")) as answer:
        page.keyboard.press("Enter")
    assert "Cancelling…" in answer.value.text()

    button = page.get_by_role("button", name="Cancelling…")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#run-announcement")).to_have_text(f"{run} is being cancelled.")
    next_answer(page, run)
    expect(button).to_be_focused()

    run.finish_cancelled(OWNER)
    result = page.get_by_role("heading", name="It was cancelled by")
    expect(result).to_be_focused()
    expect(page.locator("#run-announcement")).to_have_text(f"{run}: Cancelled.")
    assert page.evaluate(_IS_SAME_DOCUMENT)


def test_a_waiting_run_is_over_with_the_answer(page: Page, make_task: MakeTask) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    follow(page, run)
    expect(page.get_by_text("No worker is alive, so this run waits.")).to_be_visible()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("heading", name="It was cancelled by")).to_be_focused()
    assert page.evaluate(_IS_SAME_DOCUMENT)


def test_page_recovers_when_server_is_back(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    # A separate page, as Chromium reports each request without an answer as an error.
    page = page.context.new_page()
    follow(page, run)
    page.route(re.compile("/progress/"), lambda route: route.abort())
    away = page.get_by_text("The dashboard does not answer; trying again…")
    back = page.get_by_text("The dashboard answers again.")
    expect(away).to_be_visible()
    expect(back).to_be_hidden()
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible()

    run.progress(OWNER, fetched_count=7)
    page.unroute(re.compile("/progress/"))
    expect(back).to_be_visible()
    expect(away).to_be_hidden()
    expect(page.locator(".run-live").get_by_text("7", exact=True)).to_be_visible()
    expect(back).to_be_hidden()
    assert page.evaluate(_IS_SAME_DOCUMENT)


def test_one_failed_poll_is_not_shown(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    page = page.context.new_page()
    follow(page, run)
    failed: list[Route] = []

    def fail_twice(route: Route) -> None:
        if len(failed) < 2:
            failed.append(route)
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("/progress/"), fail_twice)
    run.progress(OWNER, fetched_count=7)
    expect(page.locator(".run-live").get_by_text("7", exact=True)).to_be_visible()

    assert len(failed) == 2
    # The notice that there was no answer stays for some seconds.
    assert page.get_by_text("The dashboard answers again.").is_hidden()
    assert page.get_by_text("The dashboard does not answer").is_hidden()


def test_proxy_error_page_counts_as_no_answer(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    page = page.context.new_page()
    follow(page, run)
    page.route(re.compile("/progress/"), lambda route: route.fulfill(status=502, body="Bad"))
    expect(page.get_by_text("The dashboard does not answer")).to_be_visible()
    page.unroute(re.compile("/progress/"))
    expect(page.get_by_text("The dashboard answers again.")).to_be_visible()


def test_hidden_page_polls_seldom(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    follow(page, run)
    next_answer(page, run)
    hide = "hides => Object.defineProperty(document, 'hidden', {get: () => hides, configurable: 1})"
    page.evaluate(hide, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3_500)
    assert len(asked) <= 1

    page.evaluate(hide, False)
    with page.expect_response(re.compile("/progress/")):
        page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


def test_polling_ends_with_the_run(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())
    follow(page, run)
    run.fail(OWNER, "ConnectWise answered 401.")
    expect(page.get_by_text("ConnectWise answered 401.").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert asked == []


def test_the_log_follows_its_end_unless_somebody_reads(page: Page, make_task: MakeTask) -> None:
    run = start(make_task())

    def write(message: str) -> None:
        RunLogEntry.objects.create(run=run, level="info", message=f"{message} " * 60)

    for number in range(15):
        write(f"Early{number}")
    follow(page, run)
    lines = page.locator("#log-lines")
    assert lines.evaluate(_DISTANCE_TO_END) < 1
    write("Followed")
    expect(lines.get_by_text("Followed").first).to_be_attached()
    assert lines.evaluate(_DISTANCE_TO_END) < 1

    lines.evaluate("lines => { lines.scrollTop = 0 }")
    write("Unseen")
    expect(lines.get_by_text("Unseen").first).to_be_attached()
    assert lines.evaluate("lines => lines.scrollTop") == 0


@pytest.mark.parametrize("options", [{}, NO_JAVASCRIPT], ids=["scripts", "no scripts"])
def test_log_level_is_chosen_by_link(
    open_page: OpenPage, make_task: MakeTask, options: dict[str, object]
) -> None:
    run = fail(make_task())
    for level in ("info", "warning", "error"):
        RunLogEntry.objects.create(run=run, level=level, message=f"A line of {level}.")
    page = open_page(**options)
    page.goto(f"/runs/{run.pk}/")
    log = page.locator("#run-log")
    log.get_by_role("link", name="Warnings and errors 2").click()
    expect(page).to_have_url(re.compile(r"\?level=warning#run-log$"))
    expect(log.get_by_text("A line of error.")).to_be_visible()
    expect(log.get_by_text("A line of info.")).to_have_count(0)
    log.get_by_role("link", name="Errors 1", exact=True).click()
    expect(log.get_by_text("A line of warning.")).to_have_count(0)


def test_without_scripts_page_reloads_itself(open_page: OpenPage, make_task: MakeTask) -> None:
    run = start(make_task())
    page = open_page(**NO_JAVASCRIPT)
    page.goto(f"/runs/{run.pk}/")
    params = page.locator(".run-reload")
    expect(params).to_be_visible()
    run.fail(OWNER, "ConnectWise answered 401.")
    expect(page.get_by_role("heading", name="It failed.")).to_be_visible()
    expect(params).to_have_count(0)


def test_the_hash_is_copied(open_page: OpenPage, make_task: MakeTask) -> None:
    run = run_now(make_task())
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("button", name="Copy SHA-256").click()
    expect(page.get_by_role("button", name="Copied")).to_be_focused()
    assert page.evaluate("() => navigator.clipboard.readText()") == run.file_sha256


def test_the_file_is_leafed_through(page: Page, make_task: MakeTask) -> None:
    run = run_now(make_task())
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("link", name="View the whole file").click()
    content = page.get_by_label("Content of the file")
    expect(content).to_contain_text("<id>1</id>")
    page.get_by_role("link", name="Later").first.click()
    expect(content).to_contain_text("</Batches>")
    for way_back in ("Earlier", "First"):
        page.get_by_role("link", name=way_back).first.click()
        expect(content).to_contain_text("<?xml")
        page.get_by_role("link", name="Last").first.click()
        expect(content).to_contain_text("</Batches>")


def test_a_printed_run_is_an_audit_sheet(open_page: OpenPage, make_task: MakeTask) -> None:
    run = run_now(make_task(export="modified"))
    page = open_page(color_scheme="dark")
    page.goto(f"/runs/{run.pk}/")
    page.emulate_media(media="print", color_scheme="dark")

    for params in (f"Run {run.pk} of", run.file_sha256, "Date Modified", "Checked by"):
        expect(page.get_by_text(params).first).to_be_visible()
    expect(page.get_by_text(run.request_sent, exact=True).first).to_be_visible()
    expect(page.get_by_text("Counted", exact=True)).to_be_visible()
    assert page.get_by_role("navigation").filter(visible=True).count() == 0
    assert page.get_by_role("button").filter(visible=True).count() == 0
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_hidden()
    ink = "() => { const style = getComputedStyle(document.body); return [style.color, style.backgroundColor] }"  # noqa: E501
    assert page.evaluate(ink) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    after = "() => getComputedStyle(document.querySelector('.run-dates time'), '::after').content"
    assert "1970-01-01T00:00:00Z" in page.evaluate(after)
