"""Invented batches, the same on every machine: the demo exports `seed_batches(3000)`."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from random import Random

from exports.demo.rows import Record, Row
from exports.demo.store import Store

SAMPLE_BATCH: Record = {
    "id": 284,
    "batchIdentifier": "20191015172525",
    "exportInvoicesFlag": False,
    "exportExpensesFlag": True,
    "exportProductsFlag": False,
    "_info": {"lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "Admin1"},
}
"""The batch of the sample file in the product's own documentation, with what that shows only."""

AWKWARD_IDENTIFIERS = (
    "Müller & Söhne – März",
    "<b>Q4</b> & <i>Q1</i>",
    "O'Neil",
    'the "late" ones',
    "trailing blank ",
    "  leading blanks",
    "Zoë 🧾 日本",
    "a]]>b",
    "50% of a*b [net]",
    "C:\\export\\2019",
)
_SAMPLE_AT = datetime(2019, 10, 16, 8, 31, 19, tzinfo=UTC)
_FLAGS = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
_MEMBERS = ("Admin1", "Admin2", "Accounts")


def seed_batches(
    count: int = 3000, *, with_date_entered: bool = False, seed: int = 1
) -> list[Record]:
    """`count` batches by ascending id, with gaps, including the documentation's batch 284.

    Some tenants' batches have no created date: `with_date_entered` gives one to all.
    """
    return list(stream_batches(count, with_date_entered=with_date_entered, seed=seed))


def stream_batches(
    count: int, *, with_date_entered: bool = False, seed: int = 1
) -> Iterator[Record]:
    """Like `seed_batches`, but one at a time: a million of them need no list."""
    random = Random(seed)  # noqa: S311 - data that looks natural, no secret
    sample = _sample_with_date_entered() if with_date_entered else deepcopy(SAMPLE_BATCH)
    waiting = [sample] if count else []
    step = _step(count)
    id = 0
    for _ in range(count - 1):
        id += random.randint(1, 3)
        if waiting and id >= sample["id"]:
            yield waiting.pop()
            id += id == sample["id"]
        entered_at = _SAMPLE_AT + (id - sample["id"]) * step
        yield _batch(id, entered_at, random, with_date_entered=with_date_entered)
    yield from waiting


def entries_of(batch_id: int) -> Store:
    """Three accounting entries of a batch: receivable, revenue and tax; they balance."""
    store = Store()
    net = batch_id % 900 + 100
    lines = (
        ("AR", "Accounts Receivable", "1100", net * 1.2, 0),
        ("Revenue", "Services", "4000", 0, net),
        ("SalesTax", "Sales Tax", "2200", 0, net * 0.2),
    )
    for number, (kind, name, account, debit, credit) in enumerate(lines):
        id = batch_id * 10 + number
        # Money has six decimals in ConnectWise's JSON, which Python's json would shorten.
        body = (
            f'{{"id":{id},"accountType":{json.dumps(kind)},"name":{json.dumps(name)},'
            f'"accountNumber":"{account}","debit":{debit:.6f},"credit":{credit:.6f},'
            f'"cost":0.000000,"invoice":{{"id":{batch_id + 5000},"identifier":"INV{batch_id}"}},'
            f'"_info":{{"lastUpdated":"2019-10-16T08:31:19Z","updatedBy":"Admin1"}}}}'
        )
        store.put_row(Row(id, body.encode()))
    return store


def _step(count: int) -> timedelta:
    """Time per id, so that the last batches are dated mid 2026 for any number of batches."""
    highest_id = max(2 * count, 600)
    seconds = (datetime(2026, 6, 30, tzinfo=UTC) - _SAMPLE_AT).total_seconds()
    return timedelta(seconds=int(seconds / (highest_id - int(SAMPLE_BATCH["id"]))))


def _batch(id: int, entered_at: datetime, random: Random, *, with_date_entered: bool) -> Record:
    # Some batches are closed weeks after their creation, so the order by date differs from ids.
    updated_at = entered_at + timedelta(seconds=random.choice((0, 40, 3_600, 3_000_000)))
    identifier = f"{entered_at:%Y%m%d%H%M%S}"
    if random.random() < 0.03:
        identifier = random.choice(AWKWARD_IDENTIFIERS)
    batch: Record = {"id": id, "batchIdentifier": identifier}
    batch |= {flag: random.random() < 0.5 for flag in _FLAGS if random.random() < 0.95}
    if random.random() < 0.9:
        batch["closedFlag"] = random.random() < 0.8
    batch["_info"] = {
        "lastUpdated": f"{updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "updatedBy": random.choice(_MEMBERS),
        "entries_href": "https://na.myconnectwise.net/v4_6_release/apis/3.0"
        f"/finance/accounting/batches/{id}/entries",
    }
    if with_date_entered:
        batch["_info"] |= {"dateEntered": f"{entered_at:%Y-%m-%dT%H:%M:%SZ}", "enteredBy": "Admin1"}
    return batch


def _sample_with_date_entered() -> Record:
    sample_info = {"dateEntered": SAMPLE_BATCH["_info"]["lastUpdated"], "enteredBy": "Admin1"}
    return {**SAMPLE_BATCH, "_info": sample_info | SAMPLE_BATCH["_info"]}
