"""Identifiers that older ledger rows lack are read from the files that are kept (W7)."""

import pytest

from exports.housekeeping.identifiers import fill_identifiers
from exports.models import LedgerEntry, Run, Task
from tests.conftest import run_now
from tests.run_files import run_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("W7")]


def forget_identifiers() -> None:
    """As an earlier version wrote the rows."""
    LedgerEntry.objects.update(batch_identifier=None)


def identifiers_of(run: Run) -> dict[int, str | None]:
    rows = LedgerEntry.objects.filter(run_id=run.pk)
    return dict(rows.values_list("batch_id", "batch_identifier"))


def test_older_rows_get_identifiers_from_files(task: Task, each_store: str) -> None:
    run = run_now(task)
    recorded = identifiers_of(run)
    assert recorded[284] == "20191015172525"
    forget_identifiers()

    assert fill_identifiers() is True
    assert identifiers_of(run) == recorded


def test_missing_file_leaves_rows_unknown(task: Task) -> None:
    first, second = run_now(task), run_now(task)
    forget_identifiers()
    run_file(first).unlink(missing_ok=True)

    assert fill_identifiers() is True
    assert set(identifiers_of(first).values()) == {None}
    assert None not in identifiers_of(second).values()


def test_interrupted_fill_goes_on_later(task: Task) -> None:
    run = run_now(task)
    forget_identifiers()

    assert fill_identifiers(lambda: True) is False
    assert fill_identifiers() is True
    assert None not in identifiers_of(run).values()
