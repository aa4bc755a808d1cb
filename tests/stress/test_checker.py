"""The checker finds every class of fault, planted one at a time."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exports.demo.rows import Record
from tests.stress.checker import VIOLATIONS, Exported, Promise, Verdict, judge
from tests.stress.journal import JournalStore

_EVERYTHING = Promise({"": lambda record: True}, "")
_INVOICES = "exportInvoicesFlag = True"
_BY_FLAG = Promise({_INVOICES: lambda record: record.get("exportInvoicesFlag") is True}, _INVOICES)

WriteRun = Callable[..., Exported]


def batch(number: int, text: str = "a", at: str = "2026-01-02T03:04:05Z") -> Record:
    return {"id": number, "batchIdentifier": text, "_info": {"lastUpdated": at}}


def element(record: Record) -> str:
    return (
        f"<Batch><id>{record['id']}</id><externalId />"
        f"<_info><lastUpdated>{record['_info']['lastUpdated']}</lastUpdated></_info>"
        f"<batchIdentifier>{record['batchIdentifier']}</batchIdentifier>"
        + "".join(
            f'<export{kind}Flag xsi:nil="true" />' for kind in ("Invoices", "Expenses", "Products")
        )
        + "</Batch>"
    )


def document(*records: Record) -> bytes:
    start = '<Batches xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    return f"{start}{''.join(map(element, records))}</Batches>\n".encode()


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Writes a run's file with these records or bytes, recorded as the product does."""

    def write(run_id: int, *records: Record, content: bytes = b"", **fields: object) -> Exported:
        content = content or document(*records)
        path = tmp_path / f"run-{run_id}.xml"
        path.write_bytes(content)
        now = datetime.now(UTC)
        exported = Exported(
            run_id=run_id,
            path=path,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            batch_count=len(records),
            started_at=now,
            finished_at=now,
            conditions="",
            repeats=False,
        )
        return replace(exported, **fields)  # type: ignore[arg-type]

    return write


def counts(verdict: Verdict) -> dict[str, int]:
    names = ("ok", *VIOLATIONS)
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def test_every_version_in_one_file_is_ok(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2)])
    journal.put(batch(2, "b", "2026-01-03T00:00:00Z"))
    runs = [write_run(1, batch(1), batch(2)), write_run(2, batch(2, "b", "2026-01-03T00:00:00Z"))]

    assert counts(judge(journal, _EVERYTHING, runs)) == {"ok": 3}


def test_a_batch_in_no_file_is_lost(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2)])

    assert counts(judge(journal, _EVERYTHING, [write_run(1, batch(1))])) == {"ok": 1, "lost": 1}


def test_a_last_version_in_no_file_is_lost(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1)])
    journal.put(batch(1, "b"))

    assert counts(judge(journal, _EVERYTHING, [write_run(1, batch(1))])) == {"ok": 1, "lost": 1}


def test_invisible_or_deleted_version_is_not_lost(
    write_run: WriteRun,
) -> None:
    journal = JournalStore([batch(1), batch(2)])
    journal.put(batch(1, "b"))
    journal.delete(2)

    assert counts(judge(journal, _EVERYTHING, [write_run(1, batch(1, "b"))])) == {"ok": 1}


def test_a_version_in_two_files_is_duplicated(write_run: WriteRun) -> None:
    runs = [write_run(1, batch(1)), write_run(2, batch(1))]

    verdict = judge(JournalStore([batch(1)]), _EVERYTHING, runs)

    assert counts(verdict) == {"ok": 1, "duplicated": 1}


def test_requested_repeat_is_no_duplicate(write_run: WriteRun) -> None:
    runs = [write_run(1, batch(1)), write_run(2, batch(1), repeats=True)]

    assert counts(judge(JournalStore([batch(1)]), _EVERYTHING, runs)) == {"ok": 2}


def test_batch_twice_in_a_file_is_duplicated(
    write_run: WriteRun,
) -> None:
    runs = [write_run(1, batch(1), batch(1), repeats=True)]

    verdict = judge(JournalStore([batch(1)]), _EVERYTHING, runs)

    assert counts(verdict) == {"ok": 1, "duplicated": 1}


def test_descending_id_is_unexpected(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2)])

    verdict = judge(journal, _EVERYTHING, [write_run(1, batch(2), batch(1))])

    assert counts(verdict) == {"ok": 1, "unexpected": 1}


def test_typed_date_makes_batches_due_again(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2, at="2026-01-09T00:00:00Z")])
    promise = replace(_EVERYTHING, owed_after=datetime(2026, 1, 8, tzinfo=UTC), since=1)
    runs = [write_run(1, *(version.record for version in journal.versions))]

    assert counts(judge(journal, promise, runs)) == {"ok": 2, "lost": 1}


def test_batch_before_the_date_is_not_due(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2)])
    promise = replace(_EVERYTHING, owed_after=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert counts(judge(journal, promise, [])) == {}


def test_new_owes_only_ids_above_what_was_decided(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2)])
    promise = replace(_EVERYTHING, by_id=True, owed_above=1)

    assert counts(judge(journal, promise, [])) == {"lost": 1}


def test_reexport_owes_only_its_batches(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1), batch(2), batch(3)])
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    for version in journal.versions:
        version.visible_from = long_ago
    runs = [
        write_run(1, batch(1), batch(2), batch(3)),
        write_run(2, batch(1), batch(3), repeats=True, wanted=frozenset({1, 2})),
    ]

    verdict = judge(journal, _EVERYTHING, runs)

    assert counts(verdict) == {"ok": 4, "lost": 1, "unexpected": 1}


def test_reexport_does_not_owe_deleted_batches(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1)])
    run = write_run(1, repeats=True, wanted=frozenset({1}), content=document())
    journal.delete(1)

    assert counts(judge(journal, _EVERYTHING, [run])) == {}


def test_second_version_in_new_is_duplicated(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1)])
    journal.put(batch(1, "b"))
    runs = [write_run(1, batch(1)), write_run(2, batch(1, "b"))]

    verdict = judge(journal, replace(_EVERYTHING, by_id=True), runs)

    assert counts(verdict) == {"ok": 1, "duplicated": 1}


def test_a_batch_that_never_existed_is_unexpected(write_run: WriteRun) -> None:
    verdict = judge(JournalStore([batch(1)]), _EVERYTHING, [write_run(1, batch(1), batch(7))])

    assert counts(verdict) == {"ok": 1, "unexpected": 1}


def test_a_mixture_of_two_versions_is_unexpected(write_run: WriteRun) -> None:
    journal = JournalStore([batch(1, "old", "2026-01-01T00:00:00Z")])
    journal.put(batch(1, "new", "2026-01-02T00:00:00Z"))

    verdict = judge(
        journal, _EVERYTHING, [write_run(1, batch(1, "old", at="2026-01-02T00:00:00Z"))]
    )

    assert counts(verdict) == {"lost": 1, "unexpected": 1}


def test_batch_against_conditions_is_unexpected(write_run: WriteRun) -> None:
    runs = [write_run(1, batch(1), conditions=_INVOICES)]

    assert counts(judge(JournalStore([batch(1)]), _BY_FLAG, runs)) == {"unexpected": 1}


@pytest.mark.parametrize(
    "window",
    [
        {"modified_after": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"floor": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"above_id": 1},
        {"floor_id": 1},
        {
            "started_at": datetime.now(UTC) + timedelta(hours=-2),
            "finished_at": datetime.now(UTC) + timedelta(hours=-1),
        },
    ],
)
def test_batch_outside_the_query_is_unexpected(
    write_run: WriteRun, window: dict[str, object]
) -> None:
    verdict = judge(JournalStore([batch(1)]), _EVERYTHING, [write_run(1, batch(1), **window)])

    assert counts(verdict) == {"unexpected": 1}


@pytest.mark.parametrize(
    "content",
    [
        document(batch(1))[:-30],
        document(batch(1))[:-1],
        b"<Batches />",
        document(batch(1)).replace(b"<externalId />", b""),
        document(batch(1)) + document(batch(1)),
    ],
    ids=["cut", "no last line end", "too few batches", "half a record", "two documents"],
)
def test_incomplete_or_invalid_file_is_torn(write_run: WriteRun, content: bytes) -> None:
    runs = [write_run(1, batch(1), content=content)]

    assert counts(judge(JournalStore(), _EVERYTHING, runs)) == {"torn": 1}


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(document())])
def test_missing_or_changed_file_is_torn(
    write_run: WriteRun, spoil: Callable[[Path], object]
) -> None:
    exported = write_run(1, batch(1))
    spoil(exported.path)

    assert counts(judge(JournalStore(), _EVERYTHING, [exported])) == {"torn": 1}
