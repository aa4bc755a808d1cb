"""The history: all runs, filtered, sorted and paged by the URL."""

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

from exports.models import Connection, Run, Task
from exports.reporting.tables import SearchedRunRows
from tests.screen_fixtures import fail, start, succeed

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
        ({"who": "nobody"}, ["failed", "odd"]),
        ({"from": "2026-03-11", "sort": "number"}, ["odd", "failed", "running"]),
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


def test_runs_are_filtered_by_who_started_them(
    signed_in: Client, runs: dict[str, Run], user: User
) -> None:
    assert names(runs, signed_in.get(HISTORY, {"who": user.pk})) == ["running", "good"]


def chips(response: Any) -> list[tuple[str, str, str]]:
    return [
        (chip.label, chip.value, chip.query_without) for chip in response.context["filter"].chips()
    ]


def test_each_filter_in_force_can_be_removed_alone(
    signed_in: Client, runs: dict[str, Run], user: User
) -> None:
    asked = {"task": runs["odd"].task_id, "status": "suspicious", "who": "nobody", "trigger": ""}
    response = signed_in.get(HISTORY, {**asked, "from": "2026-03-11", "page": "1"})
    task = f"task={runs['odd'].task_id}"
    assert chips(response) == [
        ("Task", "Weekly", "?status=suspicious&who=nobody&from=2026-03-11"),
        ("Status", "Suspicious", f"?{task}&who=nobody&from=2026-03-11"),
        ("Who", "Nobody", f"?{task}&status=suspicious&from=2026-03-11"),
        ("Started from", "2026-03-11", f"?{task}&status=suspicious&who=nobody"),
    ]
    assert names(runs, response) == ["odd"]
    assert chips(signed_in.get(HISTORY, {"status": "nonsense"})) == []


def test_the_number_of_runs_found_is_shown(signed_in: Client, runs: dict[str, Run]) -> None:
    for query, params in (({}, "4 runs"), ({"status": "failed"}, "1 run")):
        page = signed_in.get(HISTORY, query).content.decode()
        assert f'id="history-count" role="status">{params}' in page


def test_filter_address_has_no_blanks(signed_in: Client, runs: dict[str, Run]) -> None:
    sent = {"task": "", "status": "failed", "from": "", "sort": "-batch_count"}
    response = signed_in.get(HISTORY, sent, headers={"HX-Request": "true", "HX-Trigger": "filters"})
    assert response.headers["HX-Push-Url"] == "/runs/?status=failed&sort=-batch_count"
    assert "HX-Push-Url" not in signed_in.get(HISTORY, sent).headers


def test_plots_show_found_runs_beside_table(signed_in: Client, runs: dict[str, Run]) -> None:
    context = signed_in.get(HISTORY, {"status": "succeeded"}).context
    points = [(p.number, p.outcome, p.batch_count) for p in context["run_chart"].points]
    assert points == [
        (runs["good"].pk, "succeeded", 5),
        (runs["odd"].pk, "suspicious", 900),
    ]
    days = [(f"{day:%d}", counts) for day, counts in context["day_chart"].newest_first]
    assert context["day_chart"].outcomes == ["succeeded", "suspicious"]
    assert days == [("11", [0, 1]), ("10", [1, 0])]

    page = unescape(signed_in.get(HISTORY).content.decode())
    plots = page.partition('id="plots"')[2].partition('id="history-rows"')[0]
    assert plots.count('<svg viewBox="0 0 320 140"') == 3
    for word in ("Succeeded", "Succeeded, suspicious", "Failed", "Running"):
        assert f"{word}</li>" in plots
    assert f'<a href="/runs/{runs["odd"].pk}/">{runs["odd"].pk}</a>' in plots


def test_day_without_run_has_its_place(signed_in: Client, runs: dict[str, Run]) -> None:
    Run.objects.filter(pk=runs["running"].pk).update(started_at=NOON + timedelta(days=90))
    days = signed_in.get(HISTORY).context["day_chart"].newest_first
    assert len(days) == 30
    assert [counts for _, counts in days] == [[1]] + [[0]] * 29


def test_long_history_pages_follow_each_other(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    made = [fail(task).pk for _ in range(60)]
    pages = [listed(signed_in.get(HISTORY, {"page": page})) for page in ("1", "2", "3")]
    assert pages == [made[:34:-1], made[34:9:-1], made[9::-1]]
    pages = [listed(signed_in.get(HISTORY, {"page": page, "sort": "number"})) for page in "123"]
    assert pages == [made[:25], made[25:50], made[50:]]


def test_a_line_tells_everything_about_a_run(signed_in: Client, runs: dict[str, Run]) -> None:
    response = signed_in.get(HISTORY, {"to": "2026-03-10"})
    page = " ".join(unescape(response.content.decode()).split())
    run = runs["good"]

    for part in (
        f'<a href="/runs/{run.pk}/"><span class="visually-hidden">Run </span>{run.pk}</a>',
        '<span class="status status-succeeded">',
        f'<a href="/tasks/{run.task_id}/">Nightly batches</a>',
        'title="2026-03-10 12:00:00 UTC"',
        '<span class="small-print">2026-03-10 12:00</span>',
        ">5<",
        ">51 B<",
        'Run now</span><br><span class="muted">Admin1</span>',
        f'href="/runs/{run.pk}/download/"',
    ):
        assert part in page
    assert "None" not in page


def test_run_number_comes_first_and_sorts(signed_in: Client, runs: dict[str, Run]) -> None:
    response = signed_in.get(HISTORY, {"sort": "number"})
    assert names(runs, response) == ["good", "odd", "failed", "running"]
    assert next(iter(response.context["table"].columns)).header == "Run"


def test_failure_and_suspicion_show_short_reason(signed_in: Client, make_task: MakeTask) -> None:
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
        ({"status": "nonsense"}, "This cannot be filtered by: choose one of the list."),
        ({"trigger": "nonsense"}, ""),
        ({"who": "x"}, "There is no such user: choose one of the list."),
        ({"task": str(10**30)}, "There is no such task: choose one of the list."),
        ({"task": "x"}, "There is no such task: choose one of the list."),
        ({"page": str(10**30)}, ""),
        ({"page": "9" * 500}, ""),
        ({"page": "-1"}, ""),
        ({"sort": "connection__private_key_token"}, ""),
        ({"sort": "--,-x,"}, ""),
        ({"per_page": "0"}, ""),
        ({"per_page": "-5"}, ""),
        ({"unheard": "of"}, ""),
    ],
)
def test_nonsense_filter_is_ignored_and_reported(
    signed_in: Client, runs: dict[str, Run], query: dict[str, str], sentence: str
) -> None:
    response = signed_in.get(f"{HISTORY}?{urlencode(query)}")
    assert response.status_code == 200
    assert names(runs, response) == ["running", "failed", "odd", "good"]
    assert sentence in unescape(response.content.decode())


def test_pages_hold_25_runs_and_keep_filters(signed_in: Client, make_task: MakeTask) -> None:
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
    with django_assert_max_num_queries(12):
        signed_in.get(HISTORY)


def test_empty_history_and_search_offer_next_step(signed_in: Client, make_task: MakeTask) -> None:
    assert b"No runs yet" in signed_in.get(HISTORY).content
    make_task()
    empty = signed_in.get(HISTORY, {"status": "failed"})
    assert b"No run matches" in empty.content


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get(HISTORY).headers["Location"] == f"/login/?next={HISTORY}"


def test_history_is_searched_by_words(
    signed_in: Client, make_task: MakeTask, connection: Connection
) -> None:
    nightly = make_task(name="Nightly", output_file="1.xml", tags="Payroll")
    weekly = make_task(name="Weekly", output_file="2.xml")
    first, second = succeed(nightly), fail(weekly, "ConnectWise answered 503.")
    Task.objects.filter(pk=weekly.pk).update(name="Renamed")

    def found(**query: object) -> set[int]:
        page = signed_in.get(reverse("run-list"), query)
        return {run.pk for run in page.context["table"].data.data}

    assert found(q="night") == {first.pk}
    assert found(q="payr") == found(tag="Payroll") == {first.pk}
    assert found(q="answered 503") == {second.pk}
    # By the name it had when it ran, and by today's.
    assert found(q="weekly") == found(q="renamed") == {second.pk}
    assert found(q=connection.name) == {first.pk, second.pk}
    assert found(q=f"#{second.pk}") == found(q=f"failed {second.pk}") | {second.pk}
    assert found(q="night 503") == found(tag="Pay") == found(q="nothing") == set()
    assert found(q="\u00b2") == set()


def test_search_shows_newest_of_many(
    signed_in: Client,
    runs: dict[str, Run],
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SearchedRunRows, "most", 2)

    few = signed_in.get(HISTORY, {"q": "weekly"}).content.decode()
    response = signed_in.get(HISTORY, {"q": connection.name})
    many = response.content.decode()

    assert "1 run" in few
    assert "Download 1 file as ZIP" in few
    assert names(runs, response) == ["running", "failed"]
    assert "More than 2 runs" in many
    assert "as ZIP" not in many
    assert len(listed(signed_in.get(HISTORY))) == 4
