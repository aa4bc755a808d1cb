"""*Export these batches again*, *Undo* of a date, and *Only from now on*."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.demo.server import StandIn
from exports.models import DateChange, Run, Task
from exports.models.errors import TaskUnusableError
from exports.models.sync_window import overlap
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.pipeline.test_modes import exported_ids, z
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def executed(run: Run) -> Run:
    jobs.execute_here(run.pk, run.attempt)
    run.refresh_from_db()
    return run


@pytest.mark.rule("R7")
def test_reexport_moves_no_date(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="400")
    first = run_now(task)
    task.refresh_from_db()
    dates = (task.date_created, task.date_modified)
    stand_in.store.touch(284, z(datetime.now(UTC)), batchIdentifier="changed")
    stand_in.store.delete(exported_ids(first)[0])
    again = executed(jobs.queue_reexport(task, of_run=first))

    assert (again.status, again.error) == ("succeeded", "")
    assert exported_ids(again) == exported_ids(first)[1:]
    assert b"changed" in run_file(again).read_bytes()
    task.refresh_from_db()
    assert (task.date_created, task.date_modified) == dates
    assert any("1 of the batches" in entry.message for entry in again.log_entries.all())


def test_far_apart_batches_are_asked_for_alone(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task()
    ids = stand_in.store.ids
    for position, batch in enumerate((ids[0], ids[-1])):
        task.conditions.create(
            position=position, field="id", comparison="Equal", value=str(batch), logic_operator="Or"
        )
    first = run_now(task)
    again = executed(jobs.queue_reexport(task, of_run=first))

    assert exported_ids(again) == exported_ids(first) == [ids[0], ids[-1]]
    assert (again.fetched_count, again.skipped_count) == (2, 0)


def test_batches_chosen_from_the_ledger_are_exported_again(task: Task, stand_in: StandIn) -> None:
    run_now(task)
    ids = [stand_in.store.ids[90], stand_in.store.ids[2]]
    again = executed(jobs.queue_reexport(task, batch_ids=ids))

    assert exported_ids(again) == sorted(ids)
    assert "id in" in again.request_sent


def test_modified_after_reexport_repeats_nothing(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    executed(jobs.queue_reexport(task, of_run=first))
    now = datetime.now(UTC)
    stand_in.store.touch(284, z(now))

    assert exported_ids(run_now(task)) == [284]


@pytest.mark.rule("W8")
def test_undone_move_makes_typed_date_literal(make_task: MakeTask) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    task.undo_date("date_modified", None)
    task.refresh_from_db()

    again = run_now(task)
    assert not again.skips_known
    assert exported_ids(again) == exported_ids(first)


@pytest.mark.rule("W8")
def test_undo_restores_a_date_with_its_origin(make_task: MakeTask) -> None:
    task = make_task(export="modified")
    run = run_now(task)
    task.refresh_from_db()
    moved = task.date_modified
    before = Task.objects.get(pk=task.pk)
    task.date_modified = datetime(2020, 1, 1, tzinfo=UTC)
    task.save()
    task.record_typed_dates(before, None, "by mistake")
    undone = task.undo_date("date_modified", None)

    task.refresh_from_db()
    assert task.date_modified == moved
    assert undone.reason == "by mistake"
    newest = DateChange.objects.in_force(task.pk, "date_modified").get(origin="run")
    assert newest.run_id == run.pk
    nothing_new = run_now(task)
    assert nothing_new.skips_known
    assert exported_ids(nothing_new) == []


def test_undo_needs_history_and_no_active_run(task: Task) -> None:
    with pytest.raises(TaskUnusableError, match="has not been changed"):
        task.undo_date("date_modified", None)
    run = jobs.queue_run(task, Run.Trigger.MANUAL)
    with pytest.raises(TaskUnusableError, match=f"Run {run.pk} of Nightly batches is queued"):
        task.undo_date("date_modified", None)


def change_conditions(task: Task) -> Task:
    task.conditions.all().delete()
    task.conditions.create(position=0, field="id", comparison="GreaterThan", value="0")
    return task


@pytest.mark.rule("W9")
def test_changed_conditions_skip_nothing_and_repeat_nothing(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="100")
    first = run_now(task)
    second = run_now(change_conditions(task))

    assert sorted(exported_ids(first) + exported_ids(second)) == stand_in.store.ids
    assert len(exported_ids(second)) > 0


@pytest.mark.rule("W9")
def test_only_from_now_on_leaves_older_batches_alone(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="100")
    run_now(task)
    change_conditions(task).refresh_from_db()
    task.start_from_now("date_modified", None)
    stand_in.store.touch(284, z(datetime.now(UTC) + timedelta(seconds=1)))

    assert exported_ids(run_now(task)) == [284]


def test_only_from_now_on_still_repeats_no_version(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="400")
    # Changed while the first run is active: its date will be before this change.
    stand_in.store.touch(284, z(datetime.now(UTC) + timedelta(seconds=1)))
    first = run_now(task)
    change_conditions(task).refresh_from_db()
    task.start_from_now("date_modified", None)

    assert 284 in exported_ids(first)
    assert exported_ids(run_now(task)) == []


def test_only_from_now_on_repeats_nothing(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="new")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="400")
    run_now(task)
    change_conditions(task).refresh_from_db()
    task.start_from_now("date_created", None)
    stand_in.store.touch(284, z(datetime.now(UTC)))
    added = stand_in.store.add({"_info": {"lastUpdated": z(datetime.now(UTC))}})

    assert exported_ids(run_now(task)) == [added]


def test_conditions_changed_twice_restart_at_persons_date(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="400")
    run_now(task)
    change_conditions(task).refresh_from_db()
    task.start_from_now("date_modified", None)
    decided = task.date_modified
    task.conditions.update(value="1")

    assert jobs.queue_run(task, Run.Trigger.MANUAL).modified_after == decided - overlap()
