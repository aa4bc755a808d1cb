"""The run page while a run goes and when it is over, and its downloads."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import etree

from exports import files
from exports.models import Run, RunLogEntry, Task, Worker
from tests.views.conftest import CONTENT, OWNER, fail, start, succeed

MakeTask = Callable[..., Task]


def url(name: str, run: Run) -> str:
    return reverse(name, args=[run.pk])


def page_of(client: Client, run: Run, name: str = "run-detail") -> str:
    return " ".join(unescape(client.get(url(name, run)).content.decode()).split())


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_an_active_run_tells_where_it_stands(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = start(make_task(), user)
    half_a_minute_ago = timezone.now() - timedelta(seconds=30)
    Run.objects.filter(pk=run.pk).update(started_at=half_a_minute_ago)
    run.progress(
        OWNER,
        activity="Fetching page 13",
        page_count=12,
        fetched_count=12_000,
        expected_count=36_000,
        retry_count=2,
    )
    RunLogEntry.objects.create(run=run, level="warning", message="ConnectWise answered 503.")
    page = page_of(signed_in, run)

    assert "Run now by Admin1" in page
    assert "Fetching page 13" in page
    assert '12,000 <span class="muted">of 36,000</span>' in page
    assert (
        '<progress class="run-bar" aria-label="Batches fetched" value="12000" max="36000">' in page
    )
    assert "<dt>Pages</dt><dd>12</dd>" in page
    assert "<dt>Retries</dt><dd>2</dd>" in page
    assert "<dt>Time left</dt><dd>1 min" in page
    assert "ConnectWise answered 503." in page
    assert "Cancel run" in page


def test_the_page_asks_again_only_while_the_run_is_active(
    signed_in: Client, make_task: MakeTask
) -> None:
    run = start(make_task())
    for name in ("run-detail", "run-progress"):
        page = page_of(signed_in, run, name)
        assert f'hx-get="{url("run-progress", run)}" hx-trigger="every 1s"' in page
    reload = f'<noscript><p class="muted"><a href="{url("run-detail", run)}">Reload</a>'
    assert reload in page_of(signed_in, run)

    run.fail(OWNER, "ConnectWise answered 401.")
    for name in ("run-detail", "run-progress"):
        page = page_of(signed_in, run, name)
        assert "hx-trigger" not in page
        assert "ConnectWise answered 401." in page
    assert "<noscript>" not in page_of(signed_in, run)


def test_the_end_is_announced_once(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert "hx-swap-oob" not in page_of(signed_in, run, "run-progress")
    run.fail(OWNER, "No.")
    page = page_of(signed_in, run, "run-progress")
    assert f'hx-swap-oob="true">{run}: Failed.</p>' in page


def test_a_waiting_run_without_a_worker_says_what_to_do(
    signed_in: Client, make_task: MakeTask
) -> None:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    assert "No worker is alive" in page_of(signed_in, run)
    assert "manage.py serve" in page_of(signed_in, run)

    Worker.objects.see("worker-1", 1)
    assert "No worker is alive" not in page_of(signed_in, run)


def test_a_run_whose_worker_fell_silent_says_so(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert "last heard of" not in page_of(signed_in, run)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=3))
    assert "Its worker was last heard of" in page_of(signed_in, run)


def test_a_success_shows_its_result_proof_and_dates(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task(export="modified")
    run = succeed(task, user, proven_count=288)
    moved = run.date_modified_before + timedelta(days=365)
    Run.objects.filter(pk=run.pk).update(date_modified_after=moved, client_id="guid")
    page = page_of(signed_in, run)

    assert "284 batches exported to <code>batches.xml</code>" in page
    assert hashlib.sha256(CONTENT).hexdigest() in page
    assert "<dt>Counted</dt><dd>288</dd>" in page
    assert "<dt>Fetched</dt><dd>290</dd>" in page
    assert "<dt>Left out</dt><dd>6</dd>" in page
    assert "<dt>Written</dt><dd>284</dd>" in page
    assert "and 2 more that changed or vanished meanwhile." in page
    assert '<span class="visually-hidden"> moved to </span>' in page
    assert page.count("(not moved)") == 1
    assert ">id > 0</pre>" in page
    for frozen in (run.site, run.company, run.public_key):
        assert f"<dd>{frozen}</dd>" in page
    assert "pK-9z" not in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"batch_count": 1}, "1 batch exported to"),
        ({"batch_count": 0}, "No batch matched;"),
        ({"proven_count": None}, "ConnectWise refused to count, so it is not proven"),
        ({"suspicion": "ConnectWise shows no batches at all."}, "shows no batches at all."),
        ({"repeated_count": 3}, "3 came twice and count once."),
        ({}, "Every batch that ConnectWise counts was fetched."),
    ],
)
def test_a_success_says_what_is_special_about_it(
    signed_in: Client, make_task: MakeTask, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in page_of(signed_in, succeed(make_task(), **fields))


def test_a_failure_says_why_and_offers_no_file(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task(), "ConnectWise answered 403 (<b>no</b>). Check the role.")
    content = signed_in.get(url("run-detail", run)).content.decode()

    assert "ConnectWise answered 403 (&lt;b&gt;no&lt;/b&gt;). Check the role." in content
    assert url("run-download", run) not in content
    response = signed_in.get(url("run-download", run))
    assert response.status_code == 404
    assert f"{run} has no file: it is failed." in response.content.decode()


def test_a_run_is_cancelled_once(signed_in: Client, make_task: MakeTask, user: User) -> None:
    waiting = make_task().queue_run(Run.Trigger.MANUAL)
    running = start(make_task(name="Other", output_file="other.xml"))
    said = []
    for run in (waiting, running, waiting):
        response = signed_in.post(url("run-cancel", run))
        assert response.headers["Location"] == url("run-detail", run)
        said += [str(message) for message in get_messages(response.wsgi_request)][-1:]

    assert said == [
        f"{waiting} was cancelled.",
        f"{running} is being cancelled.",
        f"{waiting} was over already.",
    ]
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.status, waiting.cancel_requested_by) == ("cancelled", user)
    assert (running.status, running.cancel_requested_at is None) == ("running", False)
    assert "Cancelling…" in page_of(signed_in, running)
    assert "It was cancelled by Admin1." in page_of(signed_in, waiting)


def test_the_download_is_the_file_byte_for_byte(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task(), file_name='a "b"; é.xml')
    response = signed_in.get(url("run-download", run))

    assert body(response) == CONTENT
    assert hashlib.sha256(CONTENT).hexdigest() == run.file_sha256
    headers = response.headers
    assert headers["Content-Type"] == "application/xml"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''a%20%22b%22%3B%20%C3%A9.xml"
    )


def test_a_file_that_is_gone_or_changed_is_not_handed_out(
    signed_in: Client, make_task: MakeTask
) -> None:
    run = succeed(make_task())
    files.run_file(run).write_bytes(CONTENT + b" ")
    changed = signed_in.get(url("run-download", run))
    files.run_file(run).unlink()
    gone = signed_in.get(url("run-download", run))

    assert (changed.status_code, gone.status_code) == (410, 410)
    assert "somebody changed it, so it is not handed out" in changed.content.decode()
    assert "is no longer in the folder of this installation" in gone.content.decode()
    assert run.file_sha256 in gone.content.decode()


def test_the_log_downloads_as_text(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    at = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    for level, message in (("info", "Page 1."), ("error", "<b>Zoë</b>")):
        RunLogEntry.objects.create(run=run, level=level, message=message, logged_at=at)
    response = signed_in.get(url("run-log", run))

    assert response.content.decode() == (
        "2026-03-01T12:00:05Z INFO    Page 1.\n2026-03-01T12:00:05Z ERROR   <b>Zoë</b>\n"
    )
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="run-{run.pk}.log"'


def test_a_long_log_shows_its_end(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    RunLogEntry.objects.bulk_create(
        RunLogEntry(run=run, level="info", message=f"Line {number}.") for number in range(300)
    )
    page = page_of(signed_in, run)
    assert "The last 200 lines" in page
    assert page.index("Line 100.") < page.index("Line 299.")
    assert "Line 99." not in page


def test_the_schema_is_the_one_that_files_are_checked_against(
    signed_in: Client, tmp_path: Path
) -> None:
    response = signed_in.get(reverse("schema-download"))
    schema = etree.XMLSchema(etree.fromstring(body(response)))
    assert schema.validate(etree.fromstring(CONTENT))
    assert response.headers["Content-Disposition"] == 'attachment; filename="batches.xsd"'


@pytest.mark.parametrize(
    "name", ["run-detail", "run-progress", "run-cancel", "run-download", "run-log"]
)
def test_a_stranger_is_asked_to_log_in(client: Client, make_task: MakeTask, name: str) -> None:
    run = succeed(make_task())
    for response in (client.get(url(name, run)), client.post(url(name, run))):
        assert response.headers["Location"] == f"/login/?next={url(name, run)}"


def test_a_run_that_does_not_exist_is_not_found(signed_in: Client) -> None:
    for name in ("run-detail", "run-progress", "run-download", "run-log"):
        assert signed_in.get(reverse(name, args=[10**30])).status_code == 404
    assert signed_in.get(reverse("run-cancel", args=[1])).status_code == 405


def test_names_are_escaped(signed_in: Client, make_task: MakeTask) -> None:
    script = "<script>alert(1)</script>"
    run = succeed(make_task(name=script), suspicion=script, file_name=script)
    RunLogEntry.objects.create(run=run, level="info", message=script)
    assert b"<script>alert" not in signed_in.get(url("run-detail", run)).content


def test_the_proof_is_downloaded_as_json(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)
    files.manifest_file(run).write_text('{"run": 1}')
    answer = signed_in.get(reverse("run-manifest", args=[run.pk]))

    assert b"".join(answer.streaming_content) == b'{"run": 1}'  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/json"
    assert f"run-{run.pk}-proof.json" in answer["Content-Disposition"]


def test_a_missing_proof_is_said_in_words(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)

    answer = signed_in.get(reverse("run-manifest", args=[run.pk]))
    assert answer.status_code == 404
    expected = f"The proof of {run} is not in the data folder."
    assert expected in page_of(signed_in, run, "run-manifest")


def test_a_file_changed_to_the_same_size_is_not_handed_out(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)
    content = files.run_file(run).read_bytes()
    files.run_file(run).write_bytes(content[:-2] + b"x\n")

    answer = signed_in.get(reverse("run-download", args=[run.pk]))
    assert answer.status_code == 410
    assert "SHA-256 differs" in answer.content.decode()
