"""The history: every run, filtered, sorted and paged by its URL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Run, Task
from tests.views.conftest import fail, start, succeed

MakeTask = Callable[..., Task]
HISTORY = reverse("run-list")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def runs(make_task: MakeTask, user: User) -> dict[str, Run]:
    """One run of each kind, a day apart, the first on March 10th."""
    nightly = make_task()
    weekly = make_task(name="Weekly", output_file="weekly.xml")
    made = {
        "good": succeed(nightly, user, batch_count=5, file_size=51),
        "odd": succeed(weekly, suspicion="No batches at all.", batch_count=900),
        "failed": fail(nightly),
        "running": start(nightly, user),
    }
    for number, run in enumerate(made.values()):
        Run.objects.filter(pk=run.pk).update(started_at=NOON + timedelta(days=number))
    Run.objects.filter(pk=made["failed"].pk).update(trigger="command")
    return made


def listed(response: Any) -> list[int]:
    return [row.record.pk for row in response.context["table"].paginated_rows]


def names(runs: dict[str, Run], response: Any) -> list[str]:
    by_id = {run.pk: name for name, run in runs.items()}
    return [by_id[pk] for pk in listed(response)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["running", "failed", "odd", "good"]),
        ({"status": "succeeded"}, ["odd", "good"]),
        ({"status": "suspicious"}, ["odd"]),
        ({"status": "running"}, ["running"]),
        ({"trigger": "command"}, ["failed"]),
        ({"from": "2026-03-12"}, ["running", "failed"]),
        ({"to": "2026-03-11"}, ["odd", "good"]),
        ({"from": "2026-03-11", "to": "2026-03-11"}, ["odd"]),
        ({"status": "failed", "trigger": "manual"}, []),
        ({"sort": "batch_count", "status": "succeeded"}, ["good", "odd"]),
        ({"sort": "-batch_count", "status": "succeeded"}, ["odd", "good"]),
        ({"sort": "started_at"}, ["good", "odd", "failed", "running"]),
    ],
)
def test_runs_are_filtered_and_sorted_by_the_url(
    signed_in: Client, runs: dict[str, Run], query: dict[str, str], found: list[str]
) -> None:
    assert names(runs, signed_in.get(HISTORY, query)) == found


def test_runs_are_filtered_by_task(signed_in: Client, runs: dict[str, Run]) -> None:
    response = signed_in.get(HISTORY, {"task": runs["odd"].task_id})
    assert names(runs, response) == ["odd"]


def test_a_line_tells_everything_about_a_run(signed_in: Client, runs: dict[str, Run]) -> None:
    response = signed_in.get(HISTORY, {"to": "2026-03-10"})
    page = " ".join(unescape(response.content.decode()).split())
    run = runs["good"]

    for part in (
        f'<a href="/runs/{run.pk}/">Run {run.pk}</a>',
        '<span class="status status-succeeded">',
        f'<a href="/tasks/{run.task_id}/">Nightly batches</a>',
        'title="2026-03-10 12:00:00 UTC"',
        '<span class="small-print">2026-03-10 12:00</span>',
        ">5<",
        ">51 B<",
        'Run now<br><span class="muted">Admin1</span>',
        f'href="/runs/{run.pk}/download/"',
    ):
        assert part in page
    assert "None" not in page


def test_the_number_of_a_run_comes_first_and_can_be_sorted_by(
    signed_in: Client, runs: dict[str, Run]
) -> None:
    response = signed_in.get(HISTORY, {"sort": "number"})
    assert names(runs, response) == ["good", "odd", "failed", "running"]
    assert next(iter(response.context["table"].columns)).header == "Run"


def test_a_failure_and_a_suspicion_say_why_in_few_words(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    fail(task, "<b>No.</b> " + "x" * 200)
    succeed(task, suspicion="No batches & no ids.")
    page = signed_in.get(HISTORY).content.decode()

    shortened = "&lt;b&gt;No.&lt;/b&gt; " + "x" * 108 + "…"
    for why in (shortened, "No batches &amp; no ids."):
        assert f'Nightly batches</a><br><span class="small-print">{why}</span>' in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"from": "9999-99-99"}, "This is not a day: write it as 2026-01-31."),
        ({"from": "9999-12-31"}, "This is not a day: write it as 2026-01-31."),
        ({"to": "0001-01-01"}, "This is not a day: write it as 2026-01-31."),
        ({"to": "\x00"}, "This is not a day: write it as 2026-01-31."),
        ({"status": "nonsense"}, "This cannot be filtered by: choose one of the list."),
        ({"trigger": "\x00"}, ""),
        ({"task": str(10**30)}, "There is no such task: choose one of the list."),
        ({"task": "\x00"}, ""),
        ({"task": "x"}, "There is no such task: choose one of the list."),
        ({"page": str(10**30)}, ""),
        ({"page": "9" * 5000}, ""),
        ({"page": "-1"}, ""),
        ({"page": "\x00"}, ""),
        ({"sort": "\x00"}, ""),
        ({"sort": "connection__private_key_token"}, ""),
        ({"sort": "--,-x,"}, ""),
        ({"per_page": "0"}, ""),
        ({"per_page": "-5"}, ""),
        ({"unheard": "of"}, ""),
    ],
)
def test_nonsense_in_the_url_filters_nothing_and_says_so(
    signed_in: Client, runs: dict[str, Run], query: dict[str, str], sentence: str
) -> None:
    response = signed_in.get(f"{HISTORY}?{urlencode(query)}")
    assert response.status_code == 200
    assert names(runs, response) == ["running", "failed", "odd", "good"]
    assert sentence in unescape(response.content.decode())


def test_twenty_five_runs_stand_on_a_page_and_links_keep_the_filters(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    made = [fail(task).pk for _ in range(30)]
    first = signed_in.get(HISTORY, {"status": "failed"})
    second = signed_in.get(HISTORY, {"status": "failed", "page": "2"})

    assert listed(first) + listed(second) == made[::-1]
    assert len(listed(first)) == 25
    assert listed(signed_in.get(HISTORY, {"per_page": "100000000"})) == made[:4:-1]
    page = unescape(first.content.decode())
    assert 'href="?status=failed&page=2"' in page
    assert "Page 1 of 2, 30 in all" in page
    sorting = unescape(second.content.decode())
    assert 'href="?status=failed&sort=batch_count"' in sorting


def test_the_page_takes_few_queries_however_many_runs(
    signed_in: Client,
    make_task: MakeTask,
    user: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(25):
        succeed(make_task(name=f"Task {number}", output_file=f"{number}.xml"), user)
    with django_assert_max_num_queries(6):
        signed_in.get(HISTORY)


def test_an_empty_history_teaches_and_an_empty_search_leads_back(
    signed_in: Client, make_task: MakeTask
) -> None:
    assert b"No runs yet" in signed_in.get(HISTORY).content
    make_task()
    empty = signed_in.get(HISTORY, {"status": "failed"})
    assert b"No run matches" in empty.content


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get(HISTORY).headers["Location"] == f"/login/?next={HISTORY}"
