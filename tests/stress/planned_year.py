"""A year of many schedules, played by two hosts on the database of the stress."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from django.db import connection

from exports.demo.records import seed_batches
from exports.models import DueTime, Task
from tests.schedules.year import Year, make_plans, play
from tests.schedules.year_judged import faults
from tests.stress.sample_installation import SampleInstallation


@dataclass(frozen=True)
class PlayedYear:
    """The year, what became of its due times, and everything that is wrong with them."""

    year: Year
    states: Counter[str]
    faults: list[str]

    @property
    def due_count(self) -> int:
        return self.states.total()


def play_year(schedule_count: int, random: Random) -> PlayedYear:
    """Most of them monthly, a fifth weekly, some daily."""
    sample = SampleInstallation(seed_batches(1))
    daily, weekly = max(schedule_count // 50, 6), schedule_count // 5
    try:
        task = sample.add_task("all", 25)
        site = task.connection

        def task_of(number: int) -> Task:
            name = f"Planned {number}"
            return Task.objects.create(name=name, connection=site, output_file=f"p{number}.xml")

        monthly = max((schedule_count - daily - weekly) // 3, 1)
        plans = make_plans(task_of, daily, weekly, monthly)
        with ThreadPoolExecutor(2) as hosts:
            year = play(random, lambda ticks: _at_once(hosts, ticks))
        states = Counter(DueTime.objects.values_list("state", flat=True))
        return PlayedYear(year, states, list(faults(plans, year)))
    finally:
        sample.close()


def _at_once(hosts: ThreadPoolExecutor, ticks: list[Callable[[], object]]) -> None:
    def one(tick: Callable[[], object]) -> None:
        try:
            tick()
        finally:
            connection.close()

    list(hosts.map(one, ticks))
