"""Requests that a run sends ahead: their answers are used only while they still hold."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import pytest

from exports.connectwise.http.client import ConnectWiseClient, Page
from exports.connectwise.xml import background_validation
from exports.demo.answers import COUNT, Request
from exports.demo.records import stream_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models import Run, Task
from exports.pipeline.preflight import run_preflight_with_first_page
from exports.storage.run_log import RunLog
from tests.conftest import MakeTask, make_connection, run_now, save_task
from tests.connectwise.paging.futures import completed
from tests.pipeline.outcomes import exported_ids, page_requests
from tests.pipeline.test_resume import finished, interrupted
from tests.run_files import run_file

_T = TypeVar("_T")

pytestmark = pytest.mark.django_db(transaction=True)


class Answers:
    """A client whose lists were answered at these moments by ConnectWise's clock."""

    def __init__(self, newest_at: datetime | None, page_at: datetime | None) -> None:
        self._dates = {"id desc": newest_at, "id asc": page_at}

    def submit(self, query: Callable[[ConnectWiseClient], _T]) -> "Future[_T]":
        return completed(query(cast(ConnectWiseClient, self)))

    def batches(self, conditions: str, *, page_size: int, order_by: str = "id asc") -> Page:
        record: dict[str, Any] = {"id": 7}
        return Page([7], [record], self._dates[order_by], 1.5, "")

    def batch_count(self, conditions: str) -> int:
        return 1


@pytest.mark.parametrize(
    ("newest", "page", "started"),
    [(10, 10, 8), (10, 40, 8), (40, 10, 8)],
    ids=["together", "page retried", "newest retried"],
)
def test_a_run_starts_before_whichever_list_came_first(
    task: Task, newest: int, page: int, started: int
) -> None:
    """A change between the two lists may be on neither, so the next run has to see it (W2)."""

    def at(second: int) -> datetime:
        return datetime(2020, 1, 1, 12, 0, second, tzinfo=UTC)

    run = task.queue_run(Run.Trigger.MANUAL)
    preflight, _first_page = run_preflight_with_first_page(
        run, Answers(at(newest), at(page)), RunLog(run)
    )

    assert preflight.started_at == at(started)


def test_fast_clock_does_not_start_run_later(task: Task) -> None:
    run = task.queue_run(Run.Trigger.MANUAL)
    ahead = datetime(2999, 1, 1, tzinfo=UTC)
    before = datetime.now(UTC).replace(microsecond=0)
    preflight, _first_page = run_preflight_with_first_page(run, Answers(ahead, ahead), RunLog(run))

    assert before <= preflight.started_at <= datetime.now(UTC)


def test_first_queries_are_sent_together(task: Task, stand_in: StandIn) -> None:
    run_now(task)

    first = [asked.query.get("orderBy", asked.endpoint) for asked in list(stand_in.requests)[:3]]
    assert sorted(first) == sorted(["id desc", "id asc", COUNT])
    asked = [request.query["conditions"] for request in page_requests(stand_in)]
    assert len(asked) == len(set(asked)), "no page was asked for twice"


def test_count_is_repeated_for_late_rows(task: Task, stand_in: StandIn) -> None:
    known_up_to = stand_in.store.ids[-1]

    late: list[int] = []

    def append(request: Request) -> None:
        if f"id > {known_up_to}" in request.query.get("conditions", "") and not late:
            late.append(stand_in.store.add({"batchIdentifier": "late"}))

    stand_in.on_request(append)
    run = run_now(task)

    counts = [asked.query.get("conditions", "") for asked in stand_in.requests.counts]
    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert counts[-2].endswith(f"id <= {known_up_to}")
    assert counts[-1].endswith(f"id <= {late[0]}")


@pytest.fixture
def many(stand_in: StandIn) -> StandIn:
    stand_in.store = Store(stream_batches(2_500))
    return stand_in


@pytest.mark.parametrize("width", [1, 4])
def test_file_followed_while_written_is_identical(
    many: StandIn, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    connection = make_connection(many, parallel_requests=width)
    task = save_task(connection, page_size=100)
    alone = run_now(task)
    monkeypatch.setattr(background_validation, "WORTH_IT_ABOVE", 1)
    monkeypatch.setattr(background_validation, "check_file", _never)
    followed = run_now(task)

    assert (followed.status, followed.error) == ("succeeded", "")
    assert followed.file_sha256 == alone.file_sha256
    assert followed.batch_count == 2_500
    assert run_file(followed).read_bytes() == run_file(alone).read_bytes()


def test_a_resumed_file_is_followed_from_its_beginning(
    make_task: MakeTask, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(make_task, stand_in)
    whole = run_now(make_task(name="Whole", output_file="whole.xml"))
    monkeypatch.setattr(background_validation, "WORTH_IT_ABOVE", 1)
    monkeypatch.setattr(background_validation, "check_file", _never)
    resumed = finished(run)

    assert (resumed.status, resumed.error) == ("succeeded", "")
    assert resumed.file_sha256 == whole.file_sha256


def _never(*_given: object, **_more: object) -> None:
    raise AssertionError("checked by the worker itself")
