"""A simulated year of schedules: two hosts, deaths, outages, wrong clocks; time is passed in.

Runs that go on for days and disabled tasks are in it. What was due is computed here anew, in
another way than the product does it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from exports.models import DueTime, Run, Schedule, Task
from exports.schedules.planning import save_planned
from exports.schedules.ticking import Queue, tick
from exports.workers.jobs import queue_scheduled

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Antarctica/Troll",
    "Pacific/Auckland",
)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
# By cron text without the time: the days on which it is due.
_DAYS: dict[str, Callable[[date], bool]] = {
    "* 3,4,9-11 SUN,MON": lambda day: day.month in {3, 4, 9, 10, 11} and day.weekday() in {0, 6},
    "* * *": lambda day: True,
    "* * SUN": lambda day: day.weekday() == 6,
    "* * MON-FRI": lambda day: day.weekday() < 5,
    "L * *": lambda day: (day + _DAY).day == 1,
    "1W * *": lambda day: day == _first_weekday(day),
    "* * SAT#1": lambda day: day.weekday() == 5 and day.day <= 7,
}
_TIMES = ((2, 10), (2, 30), (1, 45), (0, 0), (23, 55), (3, 0))


@dataclass(frozen=True)
class Plan:
    """A schedule and every moment of the year at which it is due."""

    schedule: Schedule
    due: frozenset[datetime]


@dataclass
class Year:
    """What happened: when nobody looked, and in which state each look found the tasks."""

    away: list[tuple[datetime, datetime]] = field(default_factory=list)
    tick_count: int = 0
    death_count: int = 0
    # Until when the runs of a task go on, and a task is disabled.
    long_runs: dict[int, datetime] = field(default_factory=dict)
    disabled: dict[int, datetime] = field(default_factory=dict)
    # Tasks with an active run, and disabled ones, at each look; a moment may come twice.
    looks: dict[datetime, list[tuple[frozenset[int], frozenset[int]]]] = field(default_factory=dict)

    def was_away(self, moment: datetime) -> bool:
        return any(begin <= moment <= end for begin, end in self.away)

    def was_active(self, row: DueTime) -> list[bool]:
        """For each look at that moment."""
        return [row.schedule.task_id in active for active, _ in self.looks[row.settled_at]]

    def was_disabled(self, row: DueTime) -> list[bool]:
        return [row.schedule.task_id in disabled for _, disabled in self.looks[row.settled_at]]


def make_plans(task_of: Callable[[int], Task], daily: int, weekly: int, monthly: int) -> list[Plan]:
    kinds = ["* * *" if daily >= 20 else "* 3,4,9-11 SUN,MON"] * daily
    kinds += ["* * SUN"] * weekly + ["L * *", "1W * *", "* * SAT#1"] * monthly
    plans = []
    for number, days in enumerate(kinds):
        zone = ZONES[number % len(ZONES)]
        hour, minute = _TIMES[number // len(ZONES) % len(_TIMES)]
        schedule = Schedule(
            task=task_of(number),
            cron=f"{minute} {hour} {days}",
            zone=zone,
            catch_up="one" if number % 2 else "none",
        )
        save_planned(schedule, START)
        due = _due_times(ZoneInfo(zone), time(hour, minute), _DAYS[days])
        plans.append(Plan(schedule, frozenset(at for at in due if START < at < END)))
    return plans


def play(random: Random, together: Callable[[list[Callable[[], object]]], None]) -> Year:
    """The year, from one due time to the next; `together` lets both hosts tick at once."""
    year, now = Year(), START
    tasks = list(Schedule.objects.values_list("task_id", flat=True))
    while (following := _next_due()) is not None and following < END:
        now = max(now, following) + timedelta(seconds=random.randint(0, 20))
        is_near_the_end = now > END - 5 * _DAY
        if random.random() < 0.01 and not is_near_the_end:
            begin, now = now - _MINUTE, now + timedelta(minutes=random.randint(10, 3000))
            year.away.append((begin, now))
        elif random.random() < 0.01 and not is_near_the_end:
            ahead = now + timedelta(minutes=random.randint(10, 3000))
            year.away.append((now - _MINUTE, ahead))
            _tick(year, ahead)
        elif random.random() < 0.02:
            _tick(year, now - timedelta(minutes=random.randint(1, 300)))
        if random.random() < 0.05:
            _die_while_ticking(year, now, random.choice((0, 0, 1, 12)))
        if random.random() < 0.2:
            # Two hosts whose clocks differ by some seconds.
            late = now + timedelta(seconds=random.randint(0, 20))
            together([lambda: _tick(year, now), lambda: _tick(year, late)])  # noqa: B023
        else:
            _tick(year, now)
        _change_tasks(year, now, tasks, random)
    _tick(year, END - timedelta(seconds=1))
    return year


def _change_tasks(year: Year, now: datetime, tasks: list[int], random: Random) -> None:
    """Some runs go on for days, some tasks are disabled for days; every other run ends."""
    for until in (year.long_runs, year.disabled):
        for task in [task for task, end in until.items() if end < now]:
            del until[task]
        if random.random() < 0.05:
            until[random.choice(tasks)] = now + timedelta(hours=random.randint(1, 400))
    Task.objects.exclude(pk__in=year.disabled).filter(enabled=False).update(enabled=True)
    Task.objects.filter(pk__in=year.disabled).update(enabled=False)
    ending = Run.objects.active().exclude(task__in=year.long_runs)
    ending.update(status=Run.Status.CANCELLED)


def _next_due() -> datetime | None:
    due = Schedule.objects.filter(next_due_at__isnull=False).order_by("next_due_at")
    return due.values_list("next_due_at", flat=True).first()


def _tick(year: Year, now: datetime, queue: Queue = queue_scheduled) -> None:
    year.tick_count += 1
    active = frozenset(Run.objects.active().values_list("task_id", flat=True))
    year.looks.setdefault(now, []).append((active, frozenset(year.disabled)))
    tick(now, queue)


def _die_while_ticking(year: Year, now: datetime, count: int) -> None:
    """A worker that ends when it has queued this many runs, the last one included."""
    left = count

    def queue(task: Task) -> Run:
        nonlocal left
        run = queue_scheduled(task)
        left -= 1
        if left < 0:
            raise SystemExit
        return run

    try:
        _tick(year, now, queue)
    except SystemExit:
        year.death_count += 1


def _first_weekday(day: date) -> date:
    first = day.replace(day=1)
    while first.weekday() > 4:
        first += _DAY
    return first


def _due_times(zone: ZoneInfo, at: time, is_due: Callable[[date], bool]) -> Iterator[datetime]:
    day = START.date() - _DAY
    while day <= END.date() + _DAY:
        if is_due(day):
            yield _first_moment(zone, datetime.combine(day, at))
        day += _DAY


def _first_moment(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first moment at which clocks there show this time or a later one."""
    noon = wall.replace(hour=12, minute=0, tzinfo=zone)
    if (noon - 2 * _DAY).utcoffset() == (noon + 2 * _DAY).utcoffset():
        return wall.replace(tzinfo=zone).astimezone(UTC)
    moment = wall.replace(tzinfo=UTC) - timedelta(hours=16)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += 5 * _MINUTE
    return moment
