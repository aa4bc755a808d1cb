"""A year with both changes of the clock in six zones: every due time once, whatever happens."""

from collections.abc import Callable
from random import Random

import pytest

from exports.models import DueTime
from tests.conftest import MakeTask
from tests.schedules.year import make_plans, play
from tests.schedules.year_judged import faults
from tests.workers.processes import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("S2", "S3", "S4", "S6", "S7")
def test_every_due_time_of_a_year_once(make_task: MakeTask) -> None:
    def at_once(ticks: list[Callable[[], object]]) -> None:
        together(len(ticks), lambda number: ticks[number]())

    def task_of(number: int):  # type: ignore[no-untyped-def]
        return make_task(name=f"Task {number}", output_file=f"{number}.xml")

    plans = make_plans(task_of, daily=6, weekly=2, monthly=3)
    year = play(Random(2026), at_once)

    assert year.away
    assert year.death_count
    assert set(DueTime.objects.values_list("state", flat=True)) == set(DueTime.State.values)
    assert list(faults(plans, year)) == []
