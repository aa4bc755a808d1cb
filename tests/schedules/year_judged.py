"""Whether each due time of a simulated year became what it should, once."""

from collections.abc import Iterator

from exports.models import DueTime, Run, Schedule
from exports.schedules.ticking import ON_TIME_WITHIN
from tests.schedules.year import Plan, Year


def faults(plans: list[Plan], year: Year) -> Iterator[str]:
    """Every due time that is not there exactly once, or became what it should not."""
    for plan in plans:
        found_rows = DueTime.objects.filter(schedule=plan.schedule).select_related("schedule")
        rows = list(found_rows.order_by("due_at"))
        found = [row.due_at for row in rows]
        name = f"{plan.schedule.cron} {plan.schedule.zone}"
        yield from (f"{name}: {at} is there twice" for at in set(found) if found.count(at) > 1)
        yield from (f"{name}: {at} is lost" for at in plan.due - set(found))
        yield from (f"{name}: {at} was not due" for at in set(found) - plan.due)
        yield from _wrong_moments(name, rows, year)
        yield from _wrong_reasons(name, rows, year)
    fired = DueTime.objects.filter(state=DueTime.State.FIRED)
    if Run.objects.count() != fired.values("run").distinct().count():
        yield "A run belongs to no due time, or to two"


def _wrong_moments(name: str, rows: list[DueTime], year: Year) -> Iterator[str]:
    for row in rows:
        was_away, is_late = year.was_away(row.due_at), row.settled_at - row.due_at > ON_TIME_WITHIN
        if row.state == DueTime.State.MISSED and not was_away:
            yield f"{name}: {row.due_at} was missed although somebody was there"
        if row.state == DueTime.State.FIRED and is_late:
            if row.schedule.catch_up == Schedule.CatchUp.NONE:
                yield f"{name}: {row.due_at} was made up for"
            if sum(one.settled_at == row.settled_at and one.state == row.state for one in rows) > 1:
                yield f"{name}: several were made up for at {row.settled_at}"


def _wrong_reasons(name: str, rows: list[DueTime], year: Year) -> Iterator[str]:
    for row in rows:
        was_active, was_disabled = year.was_active(row), year.was_disabled(row)
        if row.state == DueTime.State.SKIPPED and not any(was_active):
            yield f"{name}: {row.due_at} was skipped although nothing ran"
        if row.state == DueTime.State.REFUSED and not any(was_disabled):
            yield f"{name}: {row.due_at} was refused although the task was enabled"
        if row.state == DueTime.State.FIRED and (all(was_active) or all(was_disabled)):
            yield f"{name}: {row.due_at} was fired although its task could not run"
