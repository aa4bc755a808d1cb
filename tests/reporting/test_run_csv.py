"""The history as CSV."""

import csv
import io
import re
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Run, Task
from exports.reporting import run_csv
from tests.screen_fixtures import CONTENT, fail, succeed

MakeTask = Callable[..., Task]
EXPORT = reverse("run-list-csv")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def rows(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(EXPORT, query)
    assert response.streaming
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_run_is_exported_with_every_detail(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user, retry_count=2)
    times = {"queued_at": NOON, "started_at": NOON, "finished_at": NOON}
    Run.objects.filter(pk=run.pk).update(**times)
    (row,) = rows(signed_in)

    assert tuple(row) == run_csv.NAMES
    assert {name: text for name, text in row.items() if text} == {
        "run": str(run.pk),
        "task": "Nightly batches",
        "status": "succeeded",
        "trigger": "manual",
        "requested_by": "Admin1",
        "queued": "2026-03-10T12:00:00Z",
        "started": "2026-03-10T12:00:00Z",
        "finished": "2026-03-10T12:00:00Z",
        "batches": "284",
        "expected": "290",
        "fetched": "290",
        "skipped": "6",
        "repeated": "0",
        "counted": "290",
        "pages": "3",
        "retries": "2",
        "file_name": "batches.xml",
        "file_size": str(len(CONTENT)),
        "sha256": run.file_sha256,
        "connection": "Acme",
        "site": "https://na.myconnectwise.net",
        "company": "acme",
        "export": "all",
        "request": "id > 0",
        "date_created_before": "1970-01-01T00:00:00Z",
        "date_created_after": "1970-01-01T00:00:00Z",
        "date_modified_before": "1970-01-01T00:00:00Z",
        "date_modified_after": "1970-01-01T00:00:00Z",
        "connectwise_started": "2026-03-01T12:00:00Z",
    }


def test_no_cell_is_taken_for_a_formula(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(name='=HYPERLINK("https://example.com")')
    for text in ("+1", "-1", "@a", " =1", "\t=1", "\r=1", 'a "b", c\nd', "2 = 2"):
        fail(task, text)
    found = rows(signed_in)
    assert {row["task"] for row in found} == {'\'=HYPERLINK("https://example.com")'}
    assert [row["error"] for row in found] == [
        "2 = 2",
        'a "b", c\nd',
        "'\r'=1",
        "'\t'=1",
        "' =1",
        "'@a",
        "'-1",
        "'+1",
    ]


@pytest.mark.parametrize("separator", [";", "\t", "\n", "|"])
@pytest.mark.parametrize("other", ["", "\t", "\n", ";"])
def test_other_separators_make_no_formula(
    signed_in: Client, make_task: MakeTask, separator: str, other: str
) -> None:
    """Also where what separates elsewhere stands before the sign."""
    fail(make_task(), f'a{separator}{other}=1+1{separator} "@b{separator}{separator}-c')
    response: Any = signed_in.get(EXPORT)
    text = b"".join(response.streaming_content).decode()
    cells = [cell.lstrip(' "') for cell in re.split(f"[{separator}\n]", text)]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}]


def test_list_of_numbers_stays_as_it_is(signed_in: Client, make_task: MakeTask) -> None:
    fail(make_task(), "id in (1, -5)")
    assert rows(signed_in)[0]["error"] == "id in (1, -5)"


def test_csv_follows_the_page_filter(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    failed, _ = fail(task), succeed(task)
    assert [row["run"] for row in rows(signed_in, status="failed")] == [str(failed.pk)]
    page = signed_in.get(reverse("run-list"), {"status": "failed", "page": "1"}).content.decode()
    assert f'href="{EXPORT}?status=failed"' in page


def test_long_list_comes_in_full_portions(
    signed_in: Client, make_task: MakeTask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = fail(make_task())
    run.pk = None
    Run.objects.bulk_create(copy(run) for _ in range(1_199))
    # Queries: session and user, the entry in the audit log, then three portions.
    with django_assert_num_queries(6):
        found = rows(signed_in)
    numbers = [int(row["run"]) for row in found]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 1_200


def test_unreadable_filter_redirects_to_the_page(signed_in: Client) -> None:
    response = signed_in.get(EXPORT, {"from": "yesterday", "status": "failed"})
    assert response.headers["Location"] == "/runs/?from=yesterday&status=failed"


def test_csv_has_a_name_and_type(signed_in: Client) -> None:
    response: Any = signed_in.get(EXPORT)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="runs-20')
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    names = ",".join(f'"{name}"' for name in run_csv.NAMES)
    assert b"".join(response.streaming_content).decode() == f"{names}\r\n"


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get(EXPORT).headers["Location"] == f"/login/?next={EXPORT}"
