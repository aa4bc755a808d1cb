"""The preview against the stand-in: it shows what the next run does, and changes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from lxml import etree

from exports.connectwise.filter.conditions import Condition
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.live_checks import preview
from exports.models import Run, Task
from tests.conftest import MakeTask, make_connection, run_now, save_task
from tests.live_checks.previewing import INVOICES, THE_SAMPLE, preview_of, same_patience
from tests.run_files import run_file

__all__ = ["same_patience"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("same_patience")]


def everything_stored() -> dict[str, list[dict[str, Any]]]:
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
    }


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ids_in(document: str | bytes) -> list[int]:
    content = document.encode() if isinstance(document, str) else document
    return [int(text) for text in etree.fromstring(content).xpath("/Batches/Batch/id/text()")]


def edit(stand_in: StandIn, *positions: int) -> list[int]:
    """Give the batches at these positions a newer version; returns their ids."""
    edited_at = f"{stand_in.now():%Y-%m-%dT%H:%M:%SZ}"
    ids = [stand_in.store.ids[position] for position in positions]
    for batch_id in ids:
        stand_in.store.touch(batch_id, edited_at)
    return ids


def nothing_yet(task: Task, stand_in: StandIn) -> None:
    """A task that has never run."""


def after_a_run(task: Task, stand_in: StandIn) -> None:
    run_now(task)
    edit(stand_in, 3, 70)
    stand_in.store.add({"batchIdentifier": "new", "_info": {"lastUpdated": "2030-01-01T00:00:00Z"}})


def after_two_runs(task: Task, stand_in: StandIn) -> None:
    run_now(task)
    # As if it had started an overlap before the next run: only then its highest id is a start id.
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    Run.objects.update(started_at=long_ago, finished_at=long_ago)
    stand_in.store.add({"batchIdentifier": "between", "_info": {}})
    run_now(task)
    stand_in.store.add({"batchIdentifier": "new", "_info": {}})


def after_changed_conditions(task: Task, stand_in: StandIn) -> None:
    run_now(task)
    task.replace_conditions([INVOICES, THE_SAMPLE])


@pytest.mark.parametrize("export", ["all", "modified", "new"])
@pytest.mark.parametrize(
    "history", [nothing_yet, after_a_run, after_two_runs, after_changed_conditions]
)
@pytest.mark.parametrize("page_size", [7, 1000])
def test_preview_matches_the_next_run(
    make_task: MakeTask,
    stand_in: StandIn,
    export: str,
    history: Callable[[Task, StandIn], None],
    page_size: int,
) -> None:
    task = make_task(export=export, page_size=page_size, date_created="2019-09-01T00:00:00Z")
    task.refresh_from_db()
    history(task, stand_in)

    found = preview_of(task)
    stand_in.requests.clear()
    run = run_now(task)

    assert (found.error, found.preflight is not None) == ("", True)
    assert found.preflight
    assert found.first
    assert found.window
    assert found.request == run.request_sent
    assert [found.address] == [
        stand_in.url + urlsplit(request.url)._replace(scheme="", netloc="").geturl()
        for request in stand_in.requests.lists
        if request.query.get("conditions") == run.request_sent
    ][:1]
    assert (found.preflight.reason, found.window.skips_known) == (
        run.window_reason,
        run.skips_known,
    )
    assert found.preflight.expected_count == run.expected_count
    assert found.preflight.unfiltered_count == run.unfiltered_count
    written = run_file(run).read_bytes()
    if found.is_all_looked_at:
        assert (found.skipped_count, found.export_count) == (run.skipped_count, run.batch_count)
        assert ids_in(found.first.xml) == ids_in(written)[:10]
    else:
        assert found.looked_at_count == page_size
        shown = ids_in(found.first.xml)
        assert shown == ids_in(written)[: len(shown)]
        assert len(shown) == min(10, page_size - found.skipped_count)


def test_preview_shows_ten_batches_as_written(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(include_extra_fields=True)
    task.replace_conditions([Condition("id", "LessThan", "12")])

    found = preview_of(task)
    run = run_now(task)

    assert found.first
    assert found.first.xml.encode() == run_file(run).read_bytes()
    assert 0 < len(found.first.rows) < 10


def test_the_table_says_what_the_xml_says() -> None:
    record = {
        "id": 284,
        "batchIdentifier": "  a & b ",
        "exportInvoicesFlag": None,
        "_info": {"lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "<b>"},
        "lines": [{"no": 1}, {"no": 2}],
    }
    with StandIn(Store([record])) as stand_in:
        task = save_task(make_connection(stand_in), include_extra_fields=True)
        found = preview_of(task)

    assert found.first
    assert dict(zip(found.first.columns, found.first.rows[0], strict=True)) == {
        "id": "284",
        "_info/lastUpdated": "2019-10-16T08:31:19Z",
        "_info/updatedBy": "<b>",
        "batchIdentifier": "  a & b ",
        "exportInvoicesFlag": None,
        "exportExpensesFlag": None,
        "exportProductsFlag": None,
        "lines/item/no": "1, 2",
    }


@pytest.mark.parametrize("export", ["all", "modified", "new"])
def test_it_writes_nothing_neither_rows_nor_files(
    make_task: MakeTask, stand_in: StandIn, data_folder: Path, export: str
) -> None:
    task = make_task(export=export)
    after_a_run(task, stand_in)
    rows, folder = everything_stored(), content_of(data_folder)

    with CaptureQueriesContext(database) as asked:
        found = preview_of(task)

    assert found.error == ""
    assert (everything_stored(), content_of(data_folder)) == (rows, folder)
    # Many rows are read through a cursor, which PostgreSQL has declared.
    reading = {"SELECT", "DECLARE"} if database.vendor == "postgresql" else {"SELECT"}
    assert {query["sql"].split()[0] for query in asked.captured_queries} <= reading
    assert {request.method for request in stand_in.requests} == {"GET"}


def test_no_transaction_is_open_while_connectwise_is_asked(task: Task, stand_in: StandIn) -> None:
    open_ones: list[bool] = []
    stand_in.on_request(lambda request: open_ones.append(database.in_atomic_block))

    preview_of(task)

    assert set(open_ones) == {False}


def test_just_typed_date_is_taken_literally(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    run_now(task)
    before, typed = Task.objects.get(pk=task.pk), Task.objects.get(pk=task.pk)
    typed.date_modified = datetime(2019, 10, 1, tzinfo=UTC)

    unsaved = preview.preview(typed, (), typed_dates=["date_modified"])
    typed.save()
    typed.record_typed_dates(before, None)
    saved = preview_of(task)

    assert (unsaved.request, unsaved.window) == (saved.request, saved.window)
    assert unsaved.window
    assert not unsaved.window.skips_known
    assert unsaved.skipped_count == 0


def test_unsaved_task_can_be_previewed(stand_in: StandIn) -> None:
    task = Task(connection=make_connection(stand_in), export="modified", page_size=50)

    found = preview.preview(task, [INVOICES, THE_SAMPLE])

    assert found.error == ""
    assert found.request == (
        "(exportInvoicesFlag = True or id = 284) and "
        "lastUpdated > [1970-01-01T00:00:00Z] and id > 0"
    )
    assert found.in_words == "batches where exportInvoicesFlag is True or id is 284"
    assert Task.objects.count() == 0


def test_new_explains_its_start_id() -> None:
    with StandIn(Store(seed_batches(120, with_date_entered=True))) as stand_in:
        task = save_task(make_connection(stand_in), export="new")
        task.date_created = datetime(2019, 10, 16, tzinfo=UTC)
        found = preview.preview(task, (), typed_dates=["date_created"])

    assert found.preflight
    assert found.preflight.reason == (
        f"Ids above {found.preflight.after_id}, the highest of the batches created up to "
        "2019-10-16T00:00:00Z."
    )
    assert found.preflight.after_id > 0
