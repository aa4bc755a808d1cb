"""What a filter must find, computed again in plain Python from the server's records."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from exports.connectwise.filter.conditions import Condition
from exports.demo.records import AWKWARD_IDENTIFIERS
from exports.demo.server import StandIn
from exports.models import Task
from tests.conftest import MakeTask

Record = dict[str, Any]
Wanted = Callable[[Record], bool]
Rows = list[tuple[str, str, str] | tuple[str, str, str, str]]

FLAG = "exportInvoicesFlag"
INJECTION = 'x" or id>0 or batchIdentifier="'
ODD_IDENTIFIERS = ("A & B", "50%", "a*b", "Zoë", "#+?=%00", INJECTION, "(1, 2)", "[x]", "null")


def name_of(record: Record) -> str:
    """Case-folded, as ConnectWise compares text case-insensitively."""
    return str(record["batchIdentifier"]).lower()


def updated(record: Record) -> datetime:
    return datetime.fromisoformat(record["_info"]["lastUpdated"])


def rate(record: Record) -> float | None:
    value = record.get("rate")
    return None if value is None else float(value)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def varied(stand_in: StandIn) -> None:
    """Records with every awkward text, with decimals, and two with known dates."""
    dates = ["2020-02-02T02:02:02Z", "2020-02-03T00:00:00Z", "2020-03-01T00:00:00Z"]
    for index, text in enumerate((*AWKWARD_IDENTIFIERS, *ODD_IDENTIFIERS, "O'Neil", "a, b")):
        stand_in.store.add(
            {
                "batchIdentifier": text,
                FLAG: [True, False, None][index % 3],
                "rate": [0.25, -1.5, 7, None][index % 4],
                "_info": {"lastUpdated": dates[index % 3], "updatedBy": "Admin2"},
            }
        )


def filtered(make_task: MakeTask, rows: Rows, **fields: object) -> Task:
    task = make_task(**fields)
    task.replace_conditions([Condition(*row) for row in rows])
    return task


def wanted_ids(stand_in: StandIn, wanted: Wanted) -> list[int]:
    return [record["id"] for record in stand_in.store.records if wanted(record)]
