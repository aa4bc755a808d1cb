"""*Export these batches again* on the page of a run (R7)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Connection, Run, RunSummary, Task
from tests.screen_fixtures import OWNER, T0, fail, move_date, put_out, start, succeed
from tests.views.connection_pages import messages_of

MakeTask = Callable[..., Task]
PICK_UP = (
    "The file in the export folder, which other programs pick up, stays as it is; download the new "
    "file from its run."
)
BUTTON = "Export these batches again</button>"


def page_of(client: Client, run: Run) -> str:
    page = client.get(reverse("run-detail", args=[run.pk])).content.decode()
    return " ".join(page.split())


def finish(run: Run, **fields: Any) -> Run:
    """A finished run from the queue, without a file on disk."""
    assert run.claim(OWNER)
    outcome = {"fetched_count": 400, "skipped_count": 116, "proven_count": 400}
    file = {"file_path": f"runs/{run.pk}.xml", "file_name": "batches.xml", "file_sha256": "0" * 64}
    run.succeed(OWNER, **{**outcome, **file, **fields})
    return run


def post_reexport(client: Client, run: Run) -> Any:
    return client.post(reverse("run-reexport", args=[run.pk]))


def test_the_batches_of_a_run_are_exported_again(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    first = succeed(make_task())
    put_out(first, 1, 2)
    page = page_of(signed_in, first)
    assert BUTTON in page
    assert "a new file with these 284 batches as they are in ConnectWise now. No date moves" in page
    assert PICK_UP in page
    response = post_reexport(signed_in, first)

    run = Run.objects.get(reexport_of_id=first.pk)
    assert response.headers["Location"] == reverse("run-detail", args=[run.pk])
    assert messages_of(response) == [f"{run} exports the batches of run {first.pk} again."]
    assert (run.trigger, run.requested_by, run.status) == ("reexport", user, "queued")
    link = f'<a href="{reverse("run-detail", args=[first.pk])}">run {first.pk}</a>'
    assert f"Batches of {link}, exported again by Admin1" in page_of(signed_in, run)


def test_reexport_page_lists_batches_instead_of_conditions(
    signed_in: Client, make_task: MakeTask
) -> None:
    first = succeed(make_task())
    post_reexport(signed_in, first)
    run = Run.objects.get(reexport_of_id=first.pk)
    assert run.claim("worker-1")
    run.fail("worker-1", "No.")
    page = page_of(signed_in, run)

    assert f'<dd>Those of <a href="{reverse("run-detail", args=[first.pk])}">' in page
    assert "<dt>Conditions</dt>" not in page


AS_THEN = "went into the file, as ConnectWise had them when this run asked."


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, f"280 of the 284 batches of run {{first}} {AS_THEN}</p>"),
        (
            {"proven_count": None},
            f"{AS_THEN} ConnectWise refused to count, so it may have more of them.</p>",
        ),
        (
            {"batch_count": 284, "proven_count": None},
            f"284 of the 284 batches of run {{first}} {AS_THEN}</p>",
        ),
    ],
)
def test_reexport_proof_covers_the_wanted_batches(
    signed_in: Client, make_task: MakeTask, fields: dict[str, Any], sentence: str
) -> None:
    first = succeed(make_task())
    post_reexport(signed_in, first)
    run = finish(Run.objects.get(reexport_of_id=first.pk), **{"batch_count": 280, **fields})
    page = page_of(signed_in, run)

    assert sentence.format(first=first.pk) in page
    assert '<dt>Wanted</dt> <dd class="term-count">284</dd>' in page
    assert f'<dt>Written</dt> <dd class="term-count">{run.batch_count}</dd>' in page
    for word in ("Counted", "Fetched", "Skipped", "what was skipped"):
        assert f"<dt>{word}" not in page
    assert "had exported before" not in page


def test_the_proof_of_chosen_batches_counts_those_chosen(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    run = finish(task.queue_reexport(batch_ids=[284]), batch_count=1)
    assert "1 of the 1 chosen batch went into the file, as ConnectWise had it" in (
        page_of(signed_in, run)
    )
    run = finish(task.queue_reexport(batch_ids=[1, 2, 3]), batch_count=2)
    assert f"2 of the 3 chosen batches {AS_THEN}" in page_of(signed_in, run)


def test_history_names_and_filters_reexports(signed_in: Client, make_task: MakeTask) -> None:
    first = succeed(make_task())
    post_reexport(signed_in, first)
    response = signed_in.get(reverse("run-list"), {"trigger": "reexport"})

    shown = [row.record for row in response.context["table"].paginated_rows]
    assert shown == [Run.objects.get(reexport_of_id=first.pk)]
    page = " ".join(response.content.decode().split())
    link = f'<a href="{reverse("run-detail", args=[first.pk])}">run {first.pk}</a>'
    assert f'Export again</span> <span class="muted">of {link}</span>' in page


def test_run_without_batches_offers_no_reexport(signed_in: Client, make_task: MakeTask) -> None:
    for run in (succeed(make_task(), batch_count=0), fail(Task.objects.get())):
        assert BUTTON not in page_of(signed_in, run)
        assert messages_of(post_reexport(signed_in, run)) == [
            f"{run} exported no batches, so there is nothing to export again."
        ]
    assert Run.objects.count() == 2


def test_failed_reexport_can_be_repeated(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    first = succeed(task)
    for wanted in ({"of_run": first}, {"batch_ids": [284, 7]}):
        failed = task.queue_reexport(**wanted)
        assert failed.claim(OWNER)
        failed.fail(OWNER, "No.")
        assert BUTTON in page_of(signed_in, failed)
        assert "Run again</button>" not in page_of(signed_in, failed)
        post_reexport(signed_in, failed)
        run = Run.objects.latest("pk")
        assert (run.reexport_of, run.reexport_ids) == (failed.reexport_of, failed.reexport_ids)
        assert run.cancel()


def test_active_run_turns_button_into_link(signed_in: Client, make_task: MakeTask) -> None:
    first = succeed(make_task())
    active = start(first.task)
    response = post_reexport(signed_in, first)

    assert response.headers["Location"] == reverse("run-detail", args=[active.pk])
    assert messages_of(response) == [f"Nightly batches is already running: this is {active}."]


@pytest.mark.parametrize("change", [{"enabled": False}, {"archived_at": "2026-03-01T00:00:00Z"}])
def test_a_task_that_cannot_run_exports_nothing_again(
    signed_in: Client, make_task: MakeTask, change: dict[str, Any]
) -> None:
    first = succeed(make_task())
    Task.objects.filter(pk=first.task_id).update(**change)

    assert BUTTON not in page_of(signed_in, first)
    response = post_reexport(signed_in, first)
    assert response.headers["Location"] == reverse("run-detail", args=[first.pk])
    assert Run.objects.count() == 1


def test_batches_of_another_company_are_not_exported_again(
    signed_in: Client, make_task: MakeTask, connection: Connection
) -> None:
    first = succeed(make_task())
    Connection.objects.filter(pk=connection.pk).update(company="globex")
    [message] = messages_of(post_reexport(signed_in, first))

    assert message.startswith(f"{first} exported from acme at https://na.myconnectwise.net")
    assert Run.objects.count() == 1


@pytest.mark.parametrize("repeat_count", [1, 25])
def test_reexport_is_not_the_last_result(
    signed_in: Client,
    make_task: MakeTask,
    repeat_count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    task = make_task(export="modified")
    first = succeed(task)
    for _ in range(repeat_count):
        again = finish(task.queue_reexport(of_run=first), batch_count=2)

    move_date(task, first, "date_modified", T0)
    RunSummary.objects.filter(pk=first.pk).update(conditions="id < 900")
    for address in (reverse("home"), reverse("task-detail", args=[task.pk])):
        with django_assert_max_num_queries(17):
            page = signed_in.get(address).content.decode()
        assert f'"{reverse("run-download", args=[first.pk])}">Download latest' in page
        assert f'href="{reverse("run-detail", args=[first.pk])}"><span class="status' in page
        assert f'href="{reverse("run-detail", args=[again.pk])}"><span class="status' not in page
    assert (
        f">Run {first.pk}</a>"
        in signed_in.get(reverse("task-edit", args=[task.pk])).content.decode()
    )
    assert reverse("run-download", args=[again.pk]) in page


def test_failed_reexport_keeps_the_tasks_result(signed_in: Client, make_task: MakeTask) -> None:
    first = succeed(make_task())
    again = first.task.queue_reexport(of_run=first)
    assert again.claim(OWNER)
    watched = {"task": [first.task_id]}
    again.fail(OWNER, "ConnectWise answered 401.")

    assert "Needs attention" not in signed_in.get(reverse("home")).content.decode()
    assert "ConnectWise answered 401." in (
        signed_in.get(reverse("home-live"), watched).content.decode()
    )
