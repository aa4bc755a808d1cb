"""Clocks that can be moved forward, typed dates, and batches with a created date."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from time_machine import Traveller, travel

from exports.connectwise.filter.conditions import Condition
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models import Run, Task
from tests.conftest import run_now

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
Wait = Callable[[timedelta], None]


@pytest.fixture
def time_passes() -> Iterator[Wait]:
    """All clocks start at START and keep running; calling this moves them forward."""
    with travel(START, tick=True) as traveller:
        yield lambda by: _forward(traveller, by)


def _forward(traveller: Traveller, by: timedelta) -> None:
    traveller.shift(by)


def z(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def middle_date(stand_in: StandIn) -> datetime:
    """A last update that about half of the batches come after."""
    return datetime.fromisoformat(stand_in.store.records[60]["_info"]["lastUpdated"])


def type_date(task: Task, **dates: datetime) -> None:
    """Do what the form does when a person types another date."""
    before = Task.objects.get(pk=task.pk)
    Task.objects.filter(pk=task.pk).update(**dates)
    Task.objects.get(pk=task.pk).record_typed_dates(before, None)


def run_as(task: Task, export: str, *rows: tuple[str, str, str]) -> Run:
    """Run the task in this mode with these conditions (field, comparison, value)."""
    Task.objects.filter(pk=task.pk).update(export=export)
    task.replace_conditions([Condition(*row) for row in rows])
    run = run_now(task)
    assert (run.status, run.error, run.suspicion) == ("succeeded", "", "")
    return run


@pytest.fixture
def dated_stand_in() -> Iterator[StandIn]:
    """A stand-in whose batches have a created date."""
    with StandIn(Store(seed_batches(120, with_date_entered=True))) as running:
        yield running
    assert running.failures == []
