"""Where New starts after a typed date: the answers have to confirm it (W4)."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from exports.connectwise.http.client import ConnectWiseClient, Page
from exports.pipeline.start_id import find_start_id
from tests.connectwise.paging.futures import completed

TYPED = datetime(2021, 4, 1, tzinfo=UTC)
EARLIER, LATER = "2021-03-31T23:59:59Z", "2021-04-01T00:00:01.1234567Z"


@dataclass
class Tenant:
    """Answers every count and list the same way, as a server does that ignores date filters."""

    count: int
    dated_count: int
    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]

    def submit(self, query: Callable[[ConnectWiseClient], Any]) -> "Future[Any]":
        return completed(query(cast(ConnectWiseClient, self)))

    def batch_count(self, _conditions: str) -> int:
        return self.dated_count

    def batches(self, conditions: str, **_asked: Any) -> Page:
        records = self.created if "dateEntered" in conditions else self.updated
        return Page([record["id"] for record in records], records, None, 0, "")


def batch(number: int, **info: str) -> list[dict[str, Any]]:
    return [{"id": number, "_info": info}]


@pytest.mark.parametrize(
    ("tenant", "start_id", "reason"),
    [
        (
            Tenant(9, 9, batch(7, dateEntered=EARLIER), []),
            7,
            "Ids above 7, the highest of the batches created up to",
        ),
        (
            Tenant(9, 8, batch(7, dateEntered=EARLIER), batch(5, lastUpdated=EARLIER)),
            5,
            "Ids above 5, the highest of the batches last updated",
        ),
        # Equal counts, but the batch does not have such a date: the filter was ignored.
        (
            Tenant(9, 9, batch(9), batch(5, lastUpdated=EARLIER)),
            5,
            "Ids above 5, the highest of the batches last updated",
        ),
        (
            Tenant(9, 9, batch(9, dateEntered=LATER), batch(5, lastUpdated=EARLIER)),
            5,
            "Ids above 5, the highest of the batches last updated",
        ),
        (
            Tenant(9, 9, batch(9), batch(9, lastUpdated=LATER)),
            0,
            "ConnectWise does not filter batches by their dates: all ids are new.",
        ),
        # A date that cannot be compared proves nothing.
        (
            Tenant(9, 0, [], batch(5, lastUpdated="5/1/2030 5:21:58 AM")),
            5,
            "Ids above 5, the highest of the batches last updated",
        ),
        (Tenant(9, 9, [], []), 0, "No batch was created up to"),
        (Tenant(9, 0, [], []), 0, "No batch was last updated"),
    ],
)
@pytest.mark.rule("W4")
def test_the_start_id_is_where_answers_prove(tenant: Tenant, start_id: int, reason: str) -> None:
    found, sentence = find_start_id(tenant, completed(tenant.count), TYPED)

    assert found == start_id
    assert sentence.startswith(reason)
