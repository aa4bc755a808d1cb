"""The ledger's page: was a batch exported, in which version, run and file; export again (R7)."""

from collections.abc import Callable
from datetime import UTC, datetime
from re import findall
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Connection, Run, Task
from tests.screen_fixtures import fail, put_out, start, succeed
from tests.views.connection_pages import messages_of

MakeTask = Callable[..., Task]


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()


def ledger(client: Client, task: Task, **asked: str) -> Any:
    return client.get(reverse("task-ledger", args=[task.pk]), asked)


def rows(response: Any) -> list[tuple[int, str, int]]:
    found = [row.record for row in response.context["table"].paginated_rows]
    return [(entry.batch_id, entry.last_updated, entry.run_id) for entry in found]


def answer(response: Any) -> str:
    sentence: str = response.context["answer"].sentence
    return sentence


def again(client: Client, task: Task, *batch_ids: object, back: str = "") -> Any:
    typed = {"batch": [str(batch_id) for batch_id in batch_ids], "back": back}
    return client.post(reverse("task-ledger-reexport", args=[task.pk]), typed)


def test_batch_is_found_newest_version_first(signed_in: Client, task: Task) -> None:
    first, second = succeed(task), succeed(task)
    put_out(first, 283, 284, last_updated="2026-01-01T00:00:00Z")
    put_out(second, 284, last_updated="2026-02-02T00:00:00Z")
    response = ledger(signed_in, task, batch="284")

    assert answer(response).startswith(
        f"Yes: batch 284 (BATCH-284) went out, last in run {second.pk} of Nightly batches, 2026-"
    )
    assert answer(response).endswith("It is in 2 files, newest first.")
    assert rows(response) == [
        (284, "2026-02-02T00:00:00Z", second.pk),
        (284, "2026-01-01T00:00:00Z", first.pk),
    ]
    page = response.content.decode()
    for run in (first, second):
        assert f'href="{reverse("run-detail", args=[run.pk])}"' in page
        assert f'href="{reverse("run-download", args=[run.pk])}"' in page
    assert findall(r'name="batch" value="284" aria-label="([^"]*)" checked', page) == [
        f"Batch 284 of run {second.pk}",
        f"Batch 284 of run {first.pk}",
    ]


@pytest.mark.rule("W7")
def test_only_published_files_of_task_count(
    signed_in: Client, task: Task, make_task: MakeTask
) -> None:
    put_out(succeed(make_task(name="Other", output_file="other.xml")), 284)
    put_out(fail(task), 284)
    put_out(start(task), 284)
    response = ledger(signed_in, task, batch="284")

    assert answer(response) == (
        "No: Nightly batches has exported neither batch id 284 nor a batch called 284."
    )
    assert rows(response) == rows(ledger(signed_in, task)) == []


def test_several_batches_are_looked_up_at_once(signed_in: Client, task: Task) -> None:
    run = succeed(task)
    put_out(run, 1, 2, 3)

    some = ledger(signed_in, task, batch=" 3, 9,1 ,3,8 ")
    assert answer(some) == "2 of 4 went out. Not: 9, 8."
    assert [row[0] for row in rows(some)] == [3, 1]
    assert answer(ledger(signed_in, task, batch="1 2")) == "Yes: all of them went out."


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1-1001", "That is 1,001 batches. Write at most 1,000 at a time."),
        ("1-9223372036854775807", "That is 9,223,372,036,854,775,807 batches."),
        (",".join(map(str, range(1, 102))), "That is 101 batches. Write at most 100 at a time."),
    ],
)
def test_too_many_batches_keep_what_was_typed(
    signed_in: Client, task: Task, typed: str, sentence: str
) -> None:
    put_out(succeed(task), 7)
    response = ledger(signed_in, task, batch=typed)

    [error] = response.context["ledger_form"].errors["batch"]
    assert sentence in error
    assert response.context["ledger_form"]["batch"].value() == typed
    assert [row[0] for row in rows(response)] == [7]


def test_entries_without_search_are_paged(
    signed_in: Client, task: Task, django_assert_max_num_queries: Any
) -> None:
    for first_id in (1, 31):
        put_out(succeed(task), *range(first_id, first_id + 30))

    with django_assert_max_num_queries(12):
        response = ledger(signed_in, task)
    assert [row[0] for row in rows(response)] == list(range(60, 35, -1))
    assert "Page 1 of 3, 60 in all" in response.content.decode()
    assert [row[0] for row in rows(ledger(signed_in, task, page="3"))] == list(range(10, 0, -1))
    assert ledger(signed_in, task, page="x").status_code == 200
    assert ledger(signed_in, task, page="999", per_page="1000000").status_code == 200
    assert " checked" not in response.content.decode()


def test_older_entries_are_left_to_the_search(
    signed_in: Client, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.reporting.ledger_search.NEWEST", 20)
    for first_id in (1, 31):
        put_out(succeed(task), *range(first_id, first_id + 30))
    page = ledger(signed_in, task).content.decode()
    assert "The newest 30 entries; search for a batch" in page
    assert rows(ledger(signed_in, task, batch="1"))[0][0] == 1


def test_empty_ledger_explains_and_task_links_it(signed_in: Client, task: Task) -> None:
    assert "Nothing has gone out yet" in ledger(signed_in, task).content.decode()
    link = f'href="{reverse("task-ledger", args=[task.pk])}"'
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert link in page
    put_out(succeed(task), *range(1, 1201))
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert link in page
    assert "Which batch went out, in which version, in which run and file." in page


def test_chosen_batches_are_exported_again(signed_in: Client, task: Task) -> None:
    put_out(succeed(task), 1, 2, 3)
    response = again(signed_in, task, 3, 1, 3)

    run = Run.objects.get(trigger="reexport")
    assert response.headers["Location"] == reverse("run-detail", args=[run.pk])
    assert messages_of(response) == [f"{run} exports the chosen batches again."]
    assert (run.reexport_ids, run.reexport_of, run.export) == ([1, 3], None, "all")
    page = signed_in.get(reverse("run-detail", args=[run.pk])).content.decode()
    assert " ".join(page.split()).count("2 batches chosen from the <a href=") == 1


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ((), "Choose the batches of Nightly batches to export again: mark at least one."),
        ((1, "x"), "x is not a batch id."),
        ((1, 4, 5), "This task has not exported 4, 5 from acme at https://na.myconnectwise.net."),
    ],
)
def test_unexportable_batches_are_refused(
    signed_in: Client, task: Task, chosen: tuple[object, ...], sentence: str
) -> None:
    put_out(succeed(task), 1, 2)
    response = again(signed_in, task, *chosen, back="?batch=1")

    assert response.headers["Location"] == reverse("task-ledger", args=[task.pk]) + "?batch=1"
    [message] = messages_of(response)
    assert message.startswith(sentence)
    assert not Run.objects.filter(trigger="reexport").exists()


def test_too_many_batches_are_refused(signed_in: Client, task: Task) -> None:
    ids = range(10**17, 10**17 + 100)
    put_out(succeed(task), *ids)
    assert messages_of(again(signed_in, task, *ids)) == [
        "Their ids make an address that is too long. Choose fewer batches."
    ]


def test_other_companys_batches_cannot_be_chosen(
    signed_in: Client, task: Task, connection: Connection
) -> None:
    put_out(succeed(task), 284)
    Connection.objects.filter(pk=connection.pk).update(company="globex")
    page = ledger(signed_in, task, batch="284").content.decode()

    assert "Yes: batch 284 (BATCH-284) went out" in page
    assert "Of acme at https://na.myconnectwise.net" in page
    assert 'type="checkbox"' not in page
    assert "has not exported 284 from globex" in messages_of(again(signed_in, task, 284))[0]


def test_active_run_turns_choice_into_link(signed_in: Client, task: Task) -> None:
    put_out(succeed(task), 1)
    active = start(task)
    response = again(signed_in, task, 1)

    assert response.headers["Location"] == reverse("run-detail", args=[active.pk])
    assert messages_of(response) == [f"Nightly batches is already running: this is {active}."]


def test_the_way_back_cannot_lead_elsewhere(signed_in: Client, task: Task) -> None:
    response = again(signed_in, task, back="//example.com/")
    assert response.headers["Location"] == reverse("task-ledger", args=[task.pk])


def test_ledger_needs_login_and_method(client: Client, task: Task) -> None:
    for name in ("task-ledger", "task-ledger-reexport"):
        page = reverse(name, args=[task.pk])
        assert client.post(page).headers["Location"] == "/login/?next=/&not_done=1"


def test_names_and_versions_are_escaped(signed_in: Client, make_task: MakeTask) -> None:
    script = "<script>alert(1)</script>"
    task = make_task(name=script)
    put_out(succeed(task), 1, last_updated=script)
    assert "<script>alert" not in ledger(signed_in, task, batch="1").content.decode()


def test_page_tells_where_new_file_appears(signed_in: Client, task: Task) -> None:
    put_out(succeed(task), 1)
    page = " ".join(ledger(signed_in, task).content.decode().split())
    assert (
        "The file in the export folder, which other programs pick up, stays as it is; download the "
        "new file from its run."
    ) in page


@pytest.mark.parametrize(
    "unused", [{"enabled": False}, {"archived_at": datetime(2026, 3, 1, tzinfo=UTC)}]
)
def test_disabled_task_offers_no_choice(
    signed_in: Client, task: Task, unused: dict[str, object]
) -> None:
    put_out(succeed(task), 284)
    Task.objects.update(**unused)
    page = ledger(signed_in, task, batch="284").content.decode()

    assert "Yes: batch 284 (BATCH-284) went out" in page
    assert "Choose" not in page
    assert 'type="checkbox"' not in page
    assert "Export these batches again" not in page
