"""Each due time is fired, skipped, missed or refused, once (rules S2 to S7)."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from exports.models import DueTime, Run, Schedule, Task, Workflow, WorkflowRun
from exports.schedules.planning import save_planned
from exports.schedules.ticking import tick
from exports.workers.jobs import queue_scheduled
from tests.conftest import MakeTask
from tests.schedules.schedules import at, due_times, end_runs, make_schedule, tick_at
from tests.workers.processes import together

pytestmark = pytest.mark.django_db(transaction=True)

SAVED = at("2026-03-01 00:00")
NIGHTLY = "30 6 * * *"


def only(schedule: Schedule) -> DueTime:
    return DueTime.objects.get(schedule=schedule)


@pytest.mark.rule("S2", "S3")
def test_a_due_time_queues_a_run(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED)
    tick_at("2026-03-01 06:29:59")
    assert due_times(schedule) == []

    tick_at("2026-03-01 06:30:01")
    tick_at("2026-03-01 06:30:03")

    assert due_times(schedule) == [("03-01 06:30", "fired")]
    run = only(schedule).run
    assert run == Run.objects.get()
    assert run.trigger == Run.Trigger.SCHEDULE
    assert run.enqueued_at is not None
    assert Schedule.objects.get().next_due_at == at("2026-03-02 06:30")


@pytest.mark.rule("S2")
def test_nothing_due_takes_one_query(
    make_task: MakeTask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    task = make_task()
    for _ in range(20):
        make_schedule(task, NIGHTLY, SAVED)

    with django_assert_num_queries(1):
        tick_at("2026-03-01 06:00")


@pytest.mark.rule("S2")
def test_each_due_time_takes_few_queries(make_task: MakeTask) -> None:
    taken = []
    for day, count in ((1, 10), (2, 30)):
        for n in range(count):
            task = make_task(name=f"Task {day} {n}", output_file=f"{day}-{n}.xml")
            make_schedule(task, f"30 6 {day} * *", SAVED)
        with CaptureQueriesContext(database) as captured:
            tick_at(f"2026-03-0{day} 06:30:05")
        taken.append(len(captured))

    assert Run.objects.count() == 40
    # A thousand are queued within the minute (make bench ARGS=--schedules).
    assert taken[1] - taken[0] <= 20 * 25


@pytest.mark.rule("S3")
def test_an_active_run_skips_the_due_time(task: Task) -> None:
    active = queue_scheduled(task)
    schedule = make_schedule(task, NIGHTLY, SAVED)
    tick_at("2026-03-01 06:30")

    skipped = only(schedule)
    assert (skipped.state, skipped.reason_code) == ("skipped", "due.active")
    assert skipped.run == active
    assert f"Run {active.pk}" in skipped.reason


@pytest.mark.rule("S3")
def test_refusals_name_their_reason(make_task: MakeTask) -> None:
    disabled = make_task(name="Disabled", output_file="a.xml", enabled=False)
    archived = make_task(name="Archived", output_file="b.xml")
    faulty = make_task(name="Faulty", output_file="c.xml")
    faulty.conditions.create(position=0, field="id", comparison="Equal", value="not quoted")
    archived.archive()
    made = [make_schedule(one, NIGHTLY, SAVED) for one in (disabled, archived, faulty)]
    tick_at("2026-03-01 06:30")

    assert [(row.state, row.reason_code) for row in map(only, made)] == [
        ("refused", "due.disabled"),
        ("refused", "due.archived"),
        ("refused", "due.conditions"),
    ]
    assert all(row.reason for row in map(only, made))
    assert not Run.objects.exists()


@pytest.mark.rule("S1", "S3", "K1")
def test_a_workflow_has_schedules_too(task: Task) -> None:
    workflow = Workflow.objects.create(name="Month end")
    workflow.replace_steps([task])
    schedule = make_schedule(workflow, NIGHTLY, SAVED)
    tick_at("2026-03-01 06:30")
    tick_at("2026-03-02 06:30")
    workflow.archive()
    tick_at("2026-03-03 06:30")

    fired, skipped, refused = DueTime.objects.filter(schedule=schedule).order_by("due_at")
    assert fired.workflow_run == skipped.workflow_run == WorkflowRun.objects.get()
    assert fired.workflow_run.trigger == WorkflowRun.Trigger.SCHEDULE
    assert (fired.state, skipped.state) == ("fired", "skipped")
    assert (refused.state, refused.reason_code) == ("refused", "due.archived")


@pytest.mark.rule("S3", "S4")
def test_being_away_is_recorded_as_missed(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED, catch_up="none")
    tick_at("2026-03-03 12:00")

    assert due_times(schedule) == [(f"03-0{day} 06:30", "missed") for day in (1, 2, 3)]
    assert not Run.objects.exists()


@pytest.mark.rule("S4")
def test_catching_up_fires_the_newest_alone(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED, catch_up="one")
    tick_at("2026-03-03 12:00")

    assert due_times(schedule) == [
        ("03-01 06:30", "missed"),
        ("03-02 06:30", "missed"),
        ("03-03 06:30", "fired"),
    ]
    assert Run.objects.count() == 1


@pytest.mark.rule("S4")
def test_a_long_absence_is_recorded_in_parts(task: Task) -> None:
    schedule = make_schedule(task, "* * * * *", SAVED, catch_up="one")
    tick_at("2026-03-03 00:00:30")

    rows = DueTime.objects.filter(schedule=schedule)
    assert rows.filter(state="missed").count() == 2 * 24 * 60 - 1
    assert rows.get(state="fired").due_at == at("2026-03-03 00:00")


@pytest.mark.rule("S5")
def test_saving_never_fires_for_the_past(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, at("2026-03-01 06:30"))
    tick_at("2026-03-01 06:30:30")
    assert due_times(schedule) == []

    schedule.cron = "15 6 * * *"
    save_planned(schedule, at("2026-03-01 06:31"))
    tick_at("2026-03-01 06:31:30")
    assert due_times(schedule) == []
    assert schedule.next_due_at == at("2026-03-02 06:15")


@pytest.mark.rule("S5")
def test_pausing_and_resuming_skips_the_time_between(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED)
    schedule.is_paused = True
    save_planned(schedule, at("2026-03-01 05:00"))
    assert schedule.next_due_at is None
    tick_at("2026-03-02 07:00")

    schedule.is_paused = False
    save_planned(schedule, at("2026-03-02 08:00"))
    tick_at("2026-03-02 08:00:02")
    tick_at("2026-03-03 06:30")
    assert due_times(schedule) == [("03-03 06:30", "fired")]


@pytest.mark.rule("S3", "S5")
def test_an_edit_records_what_was_still_open(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED)
    schedule.cron = "0 7 * * *"
    save_planned(schedule, at("2026-03-01 06:30:01"))
    tick_at("2026-03-01 06:30:02")

    assert due_times(schedule) == [("03-01 06:30", "missed")]
    assert only(schedule).reason_code == "due.changed"


@pytest.mark.rule("S7")
def test_a_clock_set_back_fires_nothing_twice(task: Task) -> None:
    schedule = make_schedule(task, "0 * * * *", SAVED)
    for moment in ("06:00", "07:00", "05:30", "06:00", "07:00", "08:00"):
        tick_at(f"2026-03-01 {moment}:01")
        end_runs()

    fired = [when for when, state in due_times(schedule) if state == "fired"]
    assert fired == ["03-01 06:00", "03-01 07:00", "03-01 08:00"]


@pytest.mark.rule("S7")
def test_a_leap_ahead_put_right_stops_nothing(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED, catch_up="one")
    tick_at("2026-03-05 12:00")  # it leaps ahead: being away
    end_runs()
    assert due_times(schedule)[-1] == ("03-05 06:30", "fired")

    for day in (1, 2, 3, 4, 5, 6):  # and is set right
        tick_at(f"2026-03-0{day} 00:00")
        tick_at(f"2026-03-0{day} 06:30")
        end_runs()
    assert due_times(schedule) == [(f"03-0{day} 06:30", "fired") for day in range(1, 7)]
    assert Run.objects.count() == 6


@pytest.mark.rule("S3")
def test_unreadable_text_is_refused_once_and_said(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED)
    Schedule.objects.update(zone="Europe/Atlantis")
    tick_at("2026-03-01 06:30")
    tick_at("2026-03-02 06:30")

    assert due_times(schedule) == [("03-01 06:30", "refused")]
    assert only(schedule).reason_code == "due.unreadable"
    assert Schedule.objects.get().next_due_at is None


@pytest.mark.rule("S2")
def test_many_workers_fire_each_time_once(make_task: MakeTask) -> None:
    made = [
        make_schedule(make_task(name=f"Task {n}", output_file=f"{n}.xml"), NIGHTLY, SAVED)
        for n in range(12)
    ]
    together(4, lambda number: tick(at("2026-03-01 06:30:05"), queue_scheduled))

    assert [due_times(one) for one in made] == [[("03-01 06:30", "fired")]] * 12
    assert Run.objects.count() == 12


@pytest.mark.rule("S2")
def test_a_tick_that_dies_leaves_the_time_due(task: Task) -> None:
    schedule = make_schedule(task, NIGHTLY, SAVED)

    def die(one: Task) -> Run:
        queue_scheduled(one)
        raise SystemExit

    with pytest.raises(SystemExit):
        tick(at("2026-03-01 06:30"), die)
    assert due_times(schedule) == []
    assert not Run.objects.exists()

    tick_at("2026-03-01 06:30:10")
    assert due_times(schedule) == [("03-01 06:30", "fired")]
