from datetime import datetime
from decimal import Decimal

import pytest

from exports.demo.records import AWKWARD_IDENTIFIERS, SAMPLE_BATCH, entries_of, seed_batches


def test_the_same_batches_are_made_everywhere() -> None:
    assert seed_batches(200) == seed_batches(200)
    assert seed_batches(200) != seed_batches(200, seed=2)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 140, 150, 3000])
def test_requested_number_has_ascending_ids(count: int) -> None:
    ids = [batch["id"] for batch in seed_batches(count)]
    assert len(ids) == count
    assert ids == sorted(set(ids))
    assert count == 0 or 284 in ids


def test_batch_284_is_the_sample() -> None:
    sample = next(batch for batch in seed_batches() if batch["id"] == 284)
    assert sample == {
        "id": 284,
        "batchIdentifier": "20191015172525",
        "exportInvoicesFlag": False,
        "exportExpensesFlag": True,
        "exportProductsFlag": False,
        "_info": {"lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "Admin1"},
    }
    assert sample == SAMPLE_BATCH


def test_demo_covers_gaps_and_awkward_text() -> None:
    batches = seed_batches()
    assert batches[-1]["id"] > len(batches)
    assert {batch["batchIdentifier"] for batch in batches} >= set(AWKWARD_IDENTIFIERS)
    for flag in ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag", "closedFlag"):
        assert {batch.get(flag) for batch in batches} == {True, False, None}
    assert sum("closedFlag" in batch for batch in batches) > len(batches) / 2
    assert sum("entries_href" in batch["_info"] for batch in batches) == len(batches) - 1
    assert not any("dateEntered" in batch["_info"] for batch in batches)


def test_created_dates_are_on_all_or_none() -> None:
    batches = seed_batches(500, with_date_entered=True)
    entered = [batch["_info"]["dateEntered"] for batch in batches]
    updated = [batch["_info"]["lastUpdated"] for batch in batches]
    assert entered == sorted(entered)
    assert updated != sorted(updated)
    assert all(
        datetime.fromisoformat(first) <= datetime.fromisoformat(last)
        for first, last in zip(entered, updated, strict=True)
    )


def test_entries_balance_and_keep_six_decimals() -> None:
    entries = entries_of(284)
    assert b'"credit":384.000000' in entries.select()[1].body
    records = entries.records
    assert [record["id"] for record in records] == [2840, 2841, 2842]
    assert sum(record["debit"] - record["credit"] for record in records) == Decimal(0)
