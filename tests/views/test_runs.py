"""The run page while a run is active, and how it ends."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.connectwise.language import gettext
from exports.models import Run, RunLogEntry, Task, Worker
from exports.models.codes import Activity
from exports.models.runs.progress import Waiting
from tests.screen_fixtures import OWNER, start, succeed

MakeTask = Callable[..., Task]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def url(name: str, run: Run) -> str:
    return reverse(name, args=[run.pk])


def page_of(client: Client, run: Run, name: str = "run-detail") -> str:
    return " ".join(unescape(client.get(url(name, run)).content.decode()).split())


@pytest.mark.rule("R5")
def test_an_active_run_tells_where_it_stands(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = start(make_task(), user)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=40))
    run.progress(
        OWNER,
        activity=Activity.FETCHING,
        page_count=12,
        fetched_count=12_000,
        expected_count=36_000,
        retry_count=2,
    )
    RunLogEntry.objects.create(run=run, level="warning", message="ConnectWise answered 503.")
    page = page_of(signed_in, run)

    assert "Run now by Admin1" in page
    assert "Fetching batches" in page
    assert '12,000 <span class="muted">of 36,000</span>' in page
    assert (
        '<progress class="run-bar" aria-label="Batches fetched" value="12000" max="36000">' in page
    )
    assert "<dt>Pages</dt><dd>12</dd>" in page
    assert "<dt>Retries</dt><dd>2</dd>" in page
    assert "<dt>Time left</dt><dd>1 min" in page
    # Outside of what is renewed, so it names no state.
    assert f'History of changes<span class="visually-hidden"> {run}</span>' in page
    assert "ConnectWise answered 503." in page
    assert "Cancel run" in page


def test_page_polls_only_while_active(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    line = RunLogEntry.objects.create(run=run, level="warning", message="Slow.")
    asks = f'hx-get="{url("run-progress", run)}?seen={line.pk}" hx-trigger="every 1s, look-now"'
    for asked in (url("run-detail", run), f"{url('run-progress', run)}?seen={line.pk}"):
        assert asks in signed_in.get(asked).content.decode()
    reloads = '<noscript><meta http-equiv="refresh" content="5; url=?reloaded=1"></noscript>'
    assert reloads in page_of(signed_in, run)

    run.fail(OWNER, "ConnectWise answered 401.")
    for name in ("run-detail", "run-progress"):
        page = page_of(signed_in, run, name)
        assert "hx-trigger" not in page
        assert "ConnectWise answered 401." in page
    assert "<noscript>" not in page_of(signed_in, run)


def test_the_title_tells_how_far_the_run_is(signed_in: Client, make_task: MakeTask) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)

    def title() -> str:
        first, polled = (
            re.search("<title>(.*?) · cwexport</title>", page_of(signed_in, run, name))
            for name in ("run-detail", "run-progress")
        )
        assert first
        assert polled
        assert first[1] == polled[1]
        return first[1]

    titles = [title()]
    assert run.claim(OWNER)
    titles.append(title())
    run.progress(OWNER, fetched_count=42, expected_count=100)
    titles.append(title())
    run.fail(OWNER, "No.")
    titles.append(title())
    assert titles == [f"Waiting · {run}", f"Running · {run}", f"42 % · {run}", f"Failed · {run}"]


@pytest.mark.parametrize(
    ("passed", "sentence"),
    [
        (0, "Waiting 12 s: ConnectWise asked for it (429). Then try 2 of 5."),
        (5, "Waiting 7 s: ConnectWise asked for it (429). Then try 2 of 5."),
        (13, "Asking again, try 2 of 5."),
    ],
)
def test_a_wait_counts_down(
    signed_in: Client, make_task: MakeTask, passed: int, sentence: str
) -> None:
    run = start(make_task())
    with time_machine.travel(NOON, tick=False):
        until = NOON + timedelta(seconds=12)
        reason = gettext("ConnectWise asked for it (429)")
        run.record_wait(OWNER, Waiting(until, 2, 5, reason), "connectwise.throttled")
    with time_machine.travel(NOON + timedelta(seconds=passed), tick=False):
        assert sentence in page_of(signed_in, run)


def test_new_lines_of_the_log_follow_once(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    first, second = (
        RunLogEntry.objects.create(run=run, level=level, message=f"Line {level}.")
        for level in ("info", "warning")
    )
    polled = url("run-progress", run)

    page = signed_in.get(polled, {"seen": first.pk}).content.decode()
    assert '<ol hx-swap-oob="beforeend:#log-lines">' in page
    assert ("Line info." in page, "Line warning." in page) == (False, True)
    assert f"?seen={second.pk}&amp;level=warning" in (
        signed_in.get(polled, {"seen": 0, "level": "warning"}).content.decode()
    )
    silent = signed_in.get(polled, {"seen": second.pk}).content.decode()
    assert "hx-swap-oob" not in silent
    assert f"?seen={second.pk}" in silent


def test_the_end_is_announced_once(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert "hx-swap-oob" not in page_of(signed_in, run, "run-progress")
    run.fail(OWNER, "No.")
    page = page_of(signed_in, run, "run-progress")
    assert f'hx-swap-oob="true">{run}: Failed.</p>' in page


def test_waiting_without_worker_says_what_to_do(signed_in: Client, make_task: MakeTask) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    assert "No worker is alive" in page_of(signed_in, run)
    assert "manage.py serve" in page_of(signed_in, run)

    Worker.objects.see("worker-1", 1)
    assert "No worker is alive" not in page_of(signed_in, run)


def test_waiting_run_names_the_blocking_run(signed_in: Client, make_task: MakeTask) -> None:
    Worker.objects.see("worker-1", 1)
    busy = start(make_task())
    run = make_task(name="Other", output_file="other.xml").queue_run(Run.Trigger.MANUAL)

    page = page_of(signed_in, run)
    assert f"Waiting for a worker, which is busy with {busy}" in page


def test_a_run_of_stalled_worker_says_so(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert "has not answered" not in page_of(signed_in, run)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=NOON)
    with time_machine.travel(NOON + timedelta(minutes=3), tick=False):
        page = page_of(signed_in, run)
    assert (
        "The worker has not answered for 3 min 0 s. The run is resumed by the next worker that "
        "is alive; if none is there, start one with manage.py serve."
    ) in page


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, "resumed"),
        ({"can_resume": False}, "ended as failed"),
        ({"cancel_requested_at": NOON}, "cancelled"),
    ],
)
def test_run_of_killed_worker_shows_no_rate(
    signed_in: Client, make_task: MakeTask, fields: dict[str, Any], end: str
) -> None:
    run = start(make_task())
    run.progress(OWNER, fetched_count=600, expected_count=1200)
    began = {"started_at": NOON - timedelta(seconds=50), "heartbeat_at": NOON}
    Run.objects.filter(pk=run.pk).update(**began, **fields)
    with time_machine.travel(NOON + timedelta(seconds=10), tick=False):
        alive = page_of(signed_in, run)
    with time_machine.travel(NOON + timedelta(seconds=25), tick=False):
        silent = page_of(signed_in, run)

    assert "has not answered" not in alive
    assert '<dt>Rate</dt><dd>10 <span class="muted">a second</span></dd>' in alive
    assert (f"The worker has not answered for 25 s. After 60 s the run is {end}.") in silent
    assert "<dt>Rate</dt><dd>–</dd>" in silent
    assert "<dt>Time left</dt><dd>–</dd>" in silent


def test_a_run_is_cancelled_once(signed_in: Client, make_task: MakeTask, user: User) -> None:
    waiting = make_task().queue_run(Run.Trigger.MANUAL)
    running = start(make_task(name="Other", output_file="other.xml"))
    messages = []
    for run in (waiting, running, waiting):
        response = signed_in.post(url("run-cancel", run))
        assert response.headers["Location"] == url("run-detail", run)
        messages += [str(message) for message in get_messages(response.wsgi_request)][-1:]

    assert messages == [
        f"{waiting} was cancelled.",
        f"{running} is being cancelled.",
        f"{waiting} was over already.",
    ]
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.status, waiting.cancel_requested_by) == ("cancelled", user)
    assert (running.status, running.cancel_requested_at is None) == ("running", False)
    assert "Cancelling…" in page_of(signed_in, running)
    assert "It was cancelled by Admin1. No file was written" in page_of(signed_in, waiting)


def test_the_answer_to_a_cancel_already_says_so(signed_in: Client, make_task: MakeTask) -> None:
    running = start(make_task())
    waiting = make_task(name="Other", output_file="o.xml").queue_run(Run.Trigger.MANUAL)

    def cancel(run: Run) -> str:
        response = signed_in.post(url("run-cancel", run), headers={"HX-Request": "true"})
        assert list(get_messages(response.wsgi_request)) == []
        return " ".join(response.content.decode().split())

    page = cancel(running)
    assert 'aria-disabled="true">Cancelling…</button>' in page
    assert f'hx-swap-oob="true">{running} is being cancelled.</p>' in page
    assert "hx-trigger" in page
    page = cancel(waiting)
    assert f'hx-swap-oob="true">{waiting}: Cancelled.</p>' in page
    assert "hx-trigger" not in page


def test_starting_message_goes_after_the_run(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    sentence = f"Run {{}} of {task} started.</p>"
    signed_in.post(reverse("task-run", args=[task.pk]))
    run = Run.objects.get()
    page = page_of(signed_in, run)
    assert '<div class="notice notice-info">' in page
    assert sentence.format(run.pk) in page
    emptied = '<div id="messages" role="status" hx-swap-oob="true"></div>'
    assert emptied not in page_of(signed_in, run, "run-progress")
    assert run.claim(OWNER)
    run.fail(OWNER, "No.")
    assert emptied in page_of(signed_in, run, "run-progress")

    signed_in.post(reverse("task-run", args=[task.pk]))
    next_run = Run.objects.latest("pk")
    assert next_run.cancel()
    assert sentence.format(next_run.pk) not in page_of(signed_in, next_run)


@pytest.mark.parametrize(
    "name", ["run-detail", "run-progress", "run-cancel", "run-download", "run-log"]
)
def test_a_stranger_is_asked_to_log_in(client: Client, make_task: MakeTask, name: str) -> None:
    run = succeed(make_task())
    assert client.get(url(name, run)).headers["Location"] == f"/login/?next={url(name, run)}"
    assert client.post(url(name, run)).headers["Location"] == "/login/?next=/&not_done=1"


def test_unknown_run_is_not_found(signed_in: Client) -> None:
    for name in ("run-detail", "run-progress", "run-download", "run-log"):
        assert signed_in.get(reverse(name, args=[10**18])).status_code == 404
    assert signed_in.get(reverse("run-cancel", args=[1])).status_code == 405


def test_names_are_escaped(signed_in: Client, make_task: MakeTask) -> None:
    script = "<script>alert(1)</script>"
    run = succeed(make_task(name=script), suspicion=script, file_name=script)
    RunLogEntry.objects.create(run=run, level="info", message=script)
    assert b"<script>alert" not in signed_in.get(url("run-detail", run)).content
