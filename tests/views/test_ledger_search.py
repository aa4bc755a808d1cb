"""The ledger of all tasks: by identifier, id, range and day; *No* only where it is certain."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import LedgerEntry, Run, RunSummary, Task
from exports.reporting.ledger_terms import read_terms
from tests.screen_fixtures import put_out, start, succeed
from tests.views.connection_pages import messages_of

MakeTask = Callable[..., Task]
pytestmark = pytest.mark.rule("W13")


@pytest.fixture
def tasks(make_task: MakeTask) -> tuple[Task, Task]:
    return make_task(), make_task(name="Monthly", output_file="monthly.xml")


def search(client: Client, **asked: str) -> Any:
    return client.get(reverse("ledger"), asked)


def answer(response: Any) -> str:
    sentence: str = response.context["answer"].sentence
    return sentence


def notes(response: Any) -> str:
    return " ".join(response.context["answer"].notes)


def found(response: Any) -> list[tuple[int, int]]:
    records = [row.record for row in response.context["table"].paginated_rows]
    return [(entry.batch_id, entry.run_id) for entry in records]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("284", [(range(284, 285), "284")]),
        ("#284", [(range(284, 285), "")]),
        ("284-300, BATCH-12", [(range(284, 301), "284-300"), (None, "BATCH-12")]),
        ("#1-#3, 2 – 4; 9", [(range(1, 4), ""), (range(2, 5), "2-4"), (range(9, 10), "9")]),
        ("3 1 3", [(range(3, 4), "3"), (range(1, 2), "1")]),
        ("5-1", [(None, "5-1")]),
        ("Late batch", [(None, "Late batch")]),
        ('"BATCH 12"', [(None, "BATCH 12")]),
        ("٣ , -1", [(None, "٣"), (None, "-1")]),
    ],
)
def test_batches_are_named_as_people_write_them(
    typed: str, meant: list[tuple[range | None, str]]
) -> None:
    assert [(term.span, term.identifier) for term in read_terms(typed)] == meant


@pytest.mark.parametrize("typed", ["BATCH-12", "batch-12", " Batch-12 ", '"BATCH-12"', "12", "#12"])
def test_batch_is_found_by_identifier_and_id(
    signed_in: Client, tasks: tuple[Task, Task], typed: str
) -> None:
    run = succeed(tasks[1])
    put_out(succeed(tasks[0]), 11)
    put_out(run, 12)
    response = search(signed_in, batch=typed)

    assert answer(response).startswith(
        f"Yes: batch 12 (BATCH-12) went out, last in run {run.pk} of Monthly, 2026-"
    )
    assert found(response) == [(12, run.pk)]
    page = response.content.decode()
    assert run.file_sha256 in page
    assert f'href="{reverse("run-download", args=[run.pk])}"' in page


def test_number_is_also_an_identifier(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    run = succeed(tasks[0])
    put_out(run, 284, identifier="20191015172525")
    response = search(signed_in, batch="20191015172525")
    assert answer(response).startswith("Yes: batch 284 (20191015172525) went out")

    put_out(run, 300, identifier="284")
    response = search(signed_in, batch="284")
    assert found(response) == [(300, run.pk), (284, run.pk)]
    assert "284 is the identifier of batch 300." in notes(response)


@pytest.mark.parametrize("identifier", ["Müller & Söhne – März", "BATCH 12", "<script>1</script>"])
def test_identifiers_may_be_any_text(
    signed_in: Client, tasks: tuple[Task, Task], identifier: str
) -> None:
    put_out(succeed(tasks[0]), 12, identifier=f"  {identifier} ")
    for typed in (identifier, identifier.upper(), identifier.lower()):
        response = search(signed_in, batch=typed)
        assert answer(response).startswith("Yes: batch 12")
        assert "<script>1" not in response.content.decode()


def test_words_are_several_identifiers_unless_one(
    signed_in: Client, tasks: tuple[Task, Task]
) -> None:
    put_out(succeed(tasks[0]), 12, 13)
    assert answer(search(signed_in, batch="BATCH-12 BATCH-14")) == "1 of 2 went out. Not: BATCH-14."
    put_out(succeed(tasks[0]), 99, identifier="BATCH-12 BATCH-14")
    assert answer(search(signed_in, batch="BATCH-12 BATCH-14")).startswith("Yes: batch 99")


def test_ranges_name_what_is_missing(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    put_out(succeed(tasks[0]), 1, 2, 5)
    put_out(succeed(tasks[1]), 9)
    response = search(signed_in, batch="1-9, BATCH-9, X-1")
    assert answer(response) == "5 of 11 went out. Not: 3-4, 6-8, X-1."
    assert len(found(response)) == 4


def test_no_names_what_is_certain(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    first = succeed(tasks[0])
    put_out(first, 1)
    put_out(start(tasks[1]), 284)
    response = search(signed_in, batch="284")

    assert answer(response) == (
        "No: no task of this installation has exported batch id 284 or a batch called 284."
    )
    assert f"On record is every export since run {first.pk} (2026-" in notes(response)
    assert "1 run is active now" in notes(response)
    assert found(response) == []


def test_unknown_identifiers_make_no_uncertain(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    run = succeed(tasks[0])
    put_out(run, 1)
    LedgerEntry.objects.update(batch_identifier=None)

    response = search(signed_in, batch="BATCH-1")
    assert answer(response) == "Not certain: no batch with the identifier BATCH-1 is on record."
    assert f"exported up to run {run.pk} (2026-" in notes(response)
    # Of the id it is certain.
    assert answer(search(signed_in, batch="2")) == (
        "No: no task of this installation has exported batch id 2."
    )
    assert "Identifier not known" in search(signed_in, batch="1").content.decode()
    page = signed_in.get(reverse("task-ledger", args=[tasks[1].pk]), {"batch": "BATCH-1"})
    assert answer(page) == "No: Monthly has not exported a batch with the identifier BATCH-1."


def test_known_version_tells_older_rows(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    older, newer = succeed(tasks[0]), succeed(tasks[1])
    put_out(older, 12)
    LedgerEntry.objects.update(batch_identifier=None)
    put_out(newer, 12)
    assert found(search(signed_in, batch="BATCH-12")) == [(12, newer.pk), (12, older.pk)]


def test_days_limit_what_is_found(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    old, new = succeed(tasks[0]), succeed(tasks[1])
    put_out(old, 1, 2)
    put_out(new, 2)
    RunSummary.objects.filter(pk=old.pk).update(finished_at=datetime(2020, 1, 31, 22, tzinfo=UTC))

    assert found(search(signed_in, **{"from": "2020-01-31", "to": "2020-01-31"})) == [
        (2, old.pk),
        (1, old.pk),
    ]
    response = search(signed_in, batch="2", to="2020-01-31")
    assert found(response) == [(2, old.pk)]
    assert "Only what went out until 2020-01-31 (UTC) was looked at." in notes(response)
    # The day is one of the zone that is named beside the field.
    signed_in.cookies["cwexport_zone"] = "Asia/Tokyo"
    assert found(search(signed_in, **{"from": "2020-02-01", "to": "2020-02-01"})) != []
    bad = search(signed_in, batch="2", to="31.1.2020")
    assert "This is not a day" in bad.content.decode()


def test_answer_is_exported_as_csv(
    signed_in: Client, tasks: tuple[Task, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.reporting.ledger_csv._PORTION", 2)
    first, second = succeed(tasks[0]), succeed(tasks[1])
    put_out(first, 1, 2, 3, identifier="=1+1")
    put_out(second, 4, 5)
    response = signed_in.get(reverse("ledger-csv"))
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    lines = list(csv.DictReader(text.splitlines()))

    assert [line["batch_id"] for line in lines] == ["5", "4", "3", "2", "1"]
    assert lines[-1]["batch_identifier"] == "'=1+1"
    assert lines[0]["sha256"] == second.file_sha256
    of_one = signed_in.get(reverse("task-ledger-csv", args=[tasks[1].pk]), {"batch": "1-4"})
    text = b"".join(of_one.streaming_content).decode()  # type: ignore[attr-defined]
    assert [line["batch_id"] for line in csv.DictReader(text.splitlines())] == ["4"]
    bad = signed_in.get(reverse("ledger-csv"), {"to": "x"})
    assert bad.headers["Location"] == f"{reverse('ledger')}?to=x"


@pytest.mark.rule("R7")
def test_found_batches_are_exported_again(signed_in: Client, tasks: tuple[Task, Task]) -> None:
    put_out(succeed(tasks[0]), 1)
    put_out(succeed(tasks[1]), 1, 2)
    page = search(signed_in, batch="1-2").content.decode()
    assert page.count('type="checkbox"') == 3
    assert "Export those of Monthly again" in page

    address = reverse("task-ledger-reexport", args=[tasks[1].pk])
    boxes = {f"batch-{tasks[0].pk}": ["1"], f"batch-{tasks[1].pk}": ["2"]}
    signed_in.post(address, {**boxes, "of": "all", "back": "?batch=1-2"})
    run = Run.objects.get(trigger="reexport")
    assert (run.task_id, run.reexport_ids) == (tasks[1].pk, [2])

    refused = signed_in.post(address, {"of": "all", "back": "?batch=1-2"})
    assert refused.headers["Location"] == f"{reverse('ledger')}?batch=1-2"
    sentence = "Choose the batches of Monthly to export again: mark at least one."
    assert messages_of(refused)[-1] == sentence


def test_search_stays_within_queries(
    signed_in: Client, tasks: tuple[Task, Task], django_assert_max_num_queries: Any
) -> None:
    for task in tasks:
        put_out(succeed(task), *range(1, 40))
    with django_assert_max_num_queries(14):
        search(signed_in, batch="1-30, BATCH-35, 99, X")
