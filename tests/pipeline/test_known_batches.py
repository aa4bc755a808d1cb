"""Skipped batches are looked up by the ids of a page, however far apart they are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.models import LedgerEntry
from exports.models.ledger import Version
from exports.pipeline.known_batches import skip_known
from tests.conftest import MakeTask, run_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("export", ["modified", "new"])
def test_only_ids_of_the_page_are_read(make_task: MakeTask, export: str) -> None:
    first = run_now(make_task(export=export))
    LedgerEntry.objects.stage(
        first, [Version(number, "", "0" * 32) for number in range(1000, 3000)]
    )
    run = first.task.queue_run("manual")
    page = [(999, {"id": 999}), (2999, {"id": 2999}), (9999, {"id": 9999})]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        kept = skip_known(run, page)

    expected = {"new": [999, 9999], "modified": [999, 2999, 9999]}
    assert [version.batch_id for _record, version in kept] == expected[export]
    assert len(queries) == 1
    assert "BETWEEN" not in queries[0]["sql"]
    assert "(999, 2999, 9999)" in queries[0]["sql"]


def test_page_of_a_thousand_is_looked_up_whole(make_task: MakeTask) -> None:
    first = run_now(make_task(export="new"))
    LedgerEntry.objects.stage(
        first, [Version(number, "", "0" * 32) for number in range(1000, 2000)]
    )
    run = first.task.queue_run("manual")

    assert skip_known(run, [(number, {"id": number}) for number in range(1000, 2000)]) == []


def test_ledger_keeps_every_text_as_sent(make_task: MakeTask) -> None:
    run = run_now(make_task())
    texts = ["", "\\N", "\\.", "a\tb\\t", "two\nlines\r", '"quoted", 100 %s', "Größe 😀"]
    versions = [
        Version(10_000 + number, text, "0" * 32, None if number % 2 else "1" * 32, f"x{text}x")
        for number, text in enumerate(texts)
    ]
    LedgerEntry.objects.stage(run, versions)

    columns = ("batch_id", "last_updated", "content_hash", "extra_hash", "batch_identifier")
    rows = LedgerEntry.objects.filter(batch_id__gte=10_000).order_by("batch_id")
    assert list(rows.values_list(*columns)) == [tuple(version) for version in versions]
