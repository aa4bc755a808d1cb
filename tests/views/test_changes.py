"""What every open page asks: has anything changed, and does anything fail?"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Connection, Run, Task
from exports.reporting.changes import read_changes
from tests.screen_fixtures import OWNER, fail, start, succeed

MakeTask = Callable[..., Task]
CHANGES = reverse("changes")


def changes_token() -> str:
    return read_changes().token


def events_of(response: Any) -> dict[str, Any]:
    events: dict[str, Any] = json.loads(response.headers["HX-Trigger"])
    return events


def test_nothing_new_costs_one_query(
    signed_in: Client, task: Task, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    since = changes_token()
    # Two are for the login.
    with django_assert_num_queries(3):
        response = signed_in.get(CHANGES, {"since": since})
    assert (response.status_code, response.content) == (204, b"")


def test_new_page_gets_number_of_failures(signed_in: Client, task: Task) -> None:
    fail(task)
    page = signed_in.get(reverse("home")).content.decode()
    made = page.partition('data-made-at="')[2].partition('"')[0]

    first = signed_in.get(CHANGES, {"made": made})
    assert events_of(first) == {"attention": {"count": 1}}
    assert first.content.decode() == changes_token()
    # What happened between making the page and its first question is not missed.
    succeed(task)
    assert events_of(signed_in.get(CHANGES, {"made": made}))["changed"] == {}


@pytest.mark.parametrize("made", ["", "x", "-1", "9" * 30])
def test_nonsense_for_a_time_is_no_time(signed_in: Client, task: Task, made: str) -> None:
    succeed(task)
    assert "changed" not in events_of(signed_in.get(CHANGES, {"made": made}))


@pytest.mark.parametrize(
    "change",
    [
        lambda task: task.queue_run(Run.Trigger.MANUAL),
        start,
        succeed,
        fail,
        lambda task: task.archive(),
        lambda task: Connection.objects.update(key_refused_at="2026-03-01T00:00Z"),
        lambda task: Task.objects.create(
            name="Another", connection=task.connection, output_file="2.xml"
        ),
        lambda task: task.delete(),
    ],
)
def test_each_change_is_seen(
    signed_in: Client, task: Task, change: Callable[[Task], object]
) -> None:
    since = changes_token()
    assert changes_token() == since
    change(task)
    response = signed_in.get(CHANGES, {"since": since})
    assert response.status_code == 200
    assert "changed" in events_of(response)
    assert response.content.decode() == changes_token() != since


def test_progress_cancel_and_acceptance_are_seen(task: Task, user: User) -> None:
    run = start(task)
    seen = [changes_token()]
    run.progress(OWNER, fetched_count=25, page_count=1)
    seen.append(changes_token())
    run.renew(OWNER)
    assert changes_token() == seen[-1]
    run.cancel(user)
    seen.append(changes_token())
    run.finish_cancelled(OWNER)
    seen.append(changes_token())
    odd = succeed(task, suspicion="Far fewer batches than before.")
    seen.append(changes_token())
    Run.objects.filter(pk=odd.pk).update(count_accepted_at="2026-03-01T00:00Z")
    seen.append(changes_token())
    assert len(set(seen)) == len(seen)


def test_stranger_is_told_to_log_in(client: Client, db: None) -> None:
    assert client.get(CHANGES).status_code == 302
    assert client.get(CHANGES, headers={"HX-Request": "true"}).status_code == 286
