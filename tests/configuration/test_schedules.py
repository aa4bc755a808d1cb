"""Schedules in a configuration file: read, compared, written back."""

from datetime import timedelta

import pytest

from exports import configuration
from exports.models import Schedule, Task, Workflow
from tests.configuration.example import EXAMPLE, load, needs_database, problems

pytestmark = needs_database

SCHEDULES = """\
schedules:
  - {task: Nightly batches, cron: "30 6 * * MON-FRI", zone: Europe/Berlin, catch_up: one}
  - task: Nightly batches
    cron: 0 18 L * *
    grace_minutes: 120
    paused: true
"""
FILE = EXAMPLE + SCHEDULES


@pytest.mark.rule("S1")
def test_schedules_are_created_and_planned() -> None:
    loaded = load(FILE)

    first, last = Schedule.objects.order_by("id")
    assert (first.cron, first.zone, first.catch_up) == ("30 6 * * MON-FRI", "Europe/Berlin", "one")
    assert (first.grace_minutes, first.updated_by) == (30, "load_config")
    assert first.next_due_at is not None
    assert (last.zone, last.grace_minutes, last.is_paused) == ("UTC", 120, True)
    assert last.next_due_at is None
    assert [one.kind for one in loaded.outcomes][-2:] == ["schedule", "schedule"]
    assert all(one.is_new for one in loaded.outcomes[-2:])


def test_loading_again_changes_nothing() -> None:
    load(FILE)
    Schedule.objects.filter(zone="UTC").update(is_paused=False)
    before = list(Schedule.objects.order_by("id").values())
    file = FILE.replace("    paused: true\n", "")

    assert not any(outcome.changes or outcome.is_new for outcome in load(file).outcomes)
    assert list(Schedule.objects.order_by("id").values()) == before


def test_changed_times_change_the_schedule() -> None:
    load(FILE)
    loaded = load(FILE.replace("30 6 * * MON-FRI", "45 6 * * mon-fri"))

    changes = [change for outcome in loaded.outcomes for change in outcome.changes]
    assert changes == ["cron: 30 6 * * MON-FRI → 45 6 * * MON-FRI"]
    assert Schedule.objects.count() == 2


def test_schedules_not_named_are_left_alone() -> None:
    load(FILE)
    one = FILE[: FILE.index("  - task: Nightly batches\n    cron")]
    loaded = load(one)

    assert Schedule.objects.kept().count() == 2
    assert "does not name" in loaded.warnings[0].sentence


def test_a_workflow_has_schedules_too() -> None:
    workflow = Workflow.objects.create(name="Month end")
    load(EXAMPLE + 'schedules:\n  - {workflow: Month end, cron: "0 20 L * *"}\n')

    assert Schedule.objects.get().workflow == workflow


@pytest.mark.rule("S8", "E1")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{task: Nightly batches, cron: "0 0 31 2 *"}', "never comes"),
        ('{task: Nightly batches, cron: "0 0 6 * * *"}', "once a minute at most"),
        ('{task: Nightly batches, cron: "0 6 * * *", zone: Berlin}', "no time zone Berlin"),
        ('{task: Nightly batches, cron: "0 6 * * *", catch_up: all}', "Choose one"),
        ('{task: Nightly batches, cron: "0 6 * * *", grace_minutes: soon}', "whole number"),
        ('{task: Nightly batches, cron: "0 6 * * *", paused: maybe}', "true or false"),
        ("{task: Nightly batches}", "needs the key cron"),
        ('{task: Nightly, cron: "0 6 * * *"}', "Did you mean Nightly batches?"),
        ('{workflow: Month end, cron: "0 6 * * *"}', "There is no workflow Month end"),
        ('{cron: "0 6 * * *"}', "either task: or workflow:"),
        ('{task: Nightly batches, workflow: X, cron: "0 6 * * *"}', "either task: or workflow:"),
        ('{task: Nightly batches, cron: "0 6 * * *", often: daily}', "not a key of a schedule"),
    ],
)
def test_errors_name_the_line(line: str, sentence: str) -> None:
    found = problems(f"{EXAMPLE}schedules:\n  - {line}\n")

    number = len(EXAMPLE.splitlines()) + 2
    assert len(found) == 1
    assert found[0].startswith(f"{number}: ")
    assert sentence in found[0]


def test_written_file_loads_unchanged() -> None:
    load(
        FILE.replace(
            "page_size: 1000", "page_size: 1000\n    success_within_hours: 26\n    tags: b, a,b"
        )
    )
    assert Task.objects.get().success_within_hours == 26
    written = configuration.current_configuration()
    assert "cron: 30 6 * * MON-FRI" in written
    assert "success_within_hours: 26" in written
    assert "tags: b, a\n" in written

    again = configuration.load(configuration.read(written.encode()), {})
    assert not any(outcome.changes or outcome.is_new for outcome in again.outcomes)


def test_a_check_saves_no_schedule() -> None:
    load(FILE, is_check=True)

    assert not Schedule.objects.exists()


def test_an_unchanged_schedule_keeps_its_plan() -> None:
    load(FILE)
    schedule = Schedule.objects.earliest("id")
    assert schedule.next_due_at is not None
    planned = schedule.next_due_at - timedelta(days=30)
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=planned)
    load(FILE)

    # What is due right now is not lost.
    assert Schedule.objects.earliest("id").next_due_at == planned
