"""What is too old is deleted, what something needs is kept, and a kill claims nothing wrong."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from exports.housekeeping import pruning
from exports.housekeeping.leftovers import clear_run_folder
from exports.housekeeping.pruning import Pace, Pruned, PruningStoppedError, delete_marked, mark
from exports.housekeeping.retention import KeepReason, Policy, expired_runs, with_keep_reason
from exports.models import DateChange, Delivery, LedgerEntry, Run, RunLogEntry, RunSummary, Task
from exports.storage import files
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.housekeeping.pruning import NEWEST_ALONE, make_old, prune
from tests.run_files import manifest_file, run_file, stored_names
from tests.screen_fixtures import fail, put_out, succeed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("G1")]

AFTER_90_DAYS = Policy(keep_days=90, keep_runs=None)


def reasons(*runs: Run) -> list[str]:
    rows = with_keep_reason(Run.objects.filter(pk__in=[run.pk for run in runs])).order_by("id")
    return [row.keep_reason for row in rows]  # type: ignore[attr-defined]


def test_old_run_goes_with_file_and_log(task: Task, each_store: str) -> None:
    old, newest = run_now(task), run_now(task)
    make_old(old)

    assert prune(task, AFTER_90_DAYS) == [old.pk]
    assert list(Run.objects.all()) == [newest]
    assert set(RunLogEntry.objects.values_list("run_id", flat=True)) == {newest.pk}
    assert set(stored_names("runs")) == {
        run_file(newest).name,
        manifest_file(newest).name,
    }


def test_young_runs_stay(task: Task) -> None:
    run_now(task)
    make_old(run_now(task), days=89)
    run_now(task)

    assert prune(task, AFTER_90_DAYS) == []


def test_runs_beyond_the_number_go(task: Task) -> None:
    runs = [run_now(task) for _ in range(4)]

    assert prune(task, Policy(keep_days=90, keep_runs=2)) == [run.pk for run in runs[:2]]


@pytest.mark.rule("G2")
def test_ledger_remembers_pruned_file(task: Task, data_folder: Path) -> None:
    old, _newest = run_now(task), run_now(task)
    entry_count = LedgerEntry.objects.filter(run_id=old.pk).count()
    prune(task)

    kept = LedgerEntry.objects.select_related("run").filter(run_id=old.pk)
    assert kept.count() == entry_count == 120
    summary = kept[0].run
    assert summary.pruned_at is not None
    assert (summary.file_name, summary.file_sha256) == (old.file_name, old.file_sha256)
    assert summary.delivered_to == [f"Export folder ({data_folder}/exports/batches.xml)"]


def test_dates_and_their_history_stay(make_task: MakeTask) -> None:
    task = make_task(export="modified")
    for _ in range(3):
        run_now(task)
    before = list(DateChange.objects.values_list("pk", "run_id", "date_after"))
    prune(task)

    assert list(DateChange.objects.values_list("pk", "run_id", "date_after")) == before


def test_copy_in_the_export_folder_stays(task: Task, data_folder: Path) -> None:
    run_now(task)
    run_now(task)
    Task.objects.filter(pk=task.pk).update(output_file="other.xml")
    run_now(Task.objects.get(pk=task.pk))
    prune(task)

    assert {path.name for path in (data_folder / "exports").iterdir()} == {
        "batches.xml",
        "other.xml",
    }


def test_newest_file_with_batches_stays(task: Task) -> None:
    with_batches = succeed(task)
    empty = [succeed(task, batch_count=0) for _ in range(2)]
    assert reasons(with_batches, *empty) == [KeepReason.NEWEST_FILE, "", KeepReason.NEWEST_RUN]


@pytest.mark.parametrize("state", ["waiting", "sending", "failed"])
def test_undelivered_file_stays(task: Task, state: str) -> None:
    run, _newer = succeed(task), succeed(task)
    Delivery.objects.plan(run)
    Delivery.objects.filter(run=run).update(
        state=state, error_code="x", owner="x", heartbeat_at=timezone.now(), error="No room."
    )

    assert prune(task) == []
    assert reasons(run) == [KeepReason.UNDELIVERED]


def test_run_that_counts_are_compared_with_stays(task: Task) -> None:
    trusted = succeed(task, unfiltered_count=120)
    succeed(task, unfiltered_count=120, suspicion="Fewer.", suspicion_code="x")
    fail(task)

    coming = Run(task=task, site=trusted.site, company=trusted.company, pk=trusted.pk + 9)
    assert Run.objects.baseline_of(coming) == trusted
    assert reasons(trusted) == [KeepReason.COMPARED]


def test_last_success_stays_after_failures(task: Task) -> None:
    success, *failures = succeed(task, batch_count=0), fail(task), fail(task)
    for run in failures:
        run.close_failure()

    assert reasons(success, *failures) == [KeepReason.NEWEST_SUCCESS, "", KeepReason.NEWEST_RUN]


def test_failure_that_is_not_handled_stays(task: Task) -> None:
    failure, _newest = fail(task), fail(task)

    assert reasons(failure) == [KeepReason.IN_USE]


def test_active_run_keeps_what_it_goes_on_from(task: Task, make_task: MakeTask) -> None:
    cause, _newest = succeed(task, batch_count=0), succeed(task)
    after = make_task(name="After", output_file="after.xml")
    jobs.queue_run(after, Run.Trigger.FAILURE, caused_by=cause)

    assert reasons(cause) == [KeepReason.IN_USE]
    assert expired_runs(NEWEST_ALONE, timezone.now()) == [cause.pk]


def test_pruned_batches_can_be_exported_again(task: Task) -> None:
    first, _newest = run_now(task), run_now(task)
    prune(task)
    summary = RunSummary.objects.get(pk=first.pk)

    queued = jobs.queue_reexport(Task.objects.get(pk=task.pk), of_run=summary)
    jobs.execute_here(queued.pk, queued.attempt)

    again = Run.objects.get(pk=queued.pk)
    assert (again.status, again.file_sha256) == ("succeeded", first.file_sha256)


def test_failed_run_takes_its_staged_rows_along(task: Task) -> None:
    success = succeed(task)
    put_out(success, 1, 2)
    failure = fail(task)
    put_out(failure, 3)
    failure.close_failure()
    fail(task)
    prune(task)

    assert not Run.objects.filter(pk=failure.pk).exists()
    assert set(LedgerEntry.objects.values_list("run_id", flat=True)) == {success.pk}


@pytest.mark.parametrize("step", ["nothing", "the file", "the manifest too"])
def test_kill_leaves_nothing_wrong_claimed(task: Task, data_folder: Path, step: str) -> None:
    run, newest = run_now(task), run_now(task)
    assert mark([run.pk], timezone.now()) == [run]
    if step != "nothing":
        run_file(run).unlink()
    if step == "the manifest too":
        manifest_file(run).unlink()
    clear_run_folder()
    assert not (data_folder / "orphaned").exists()

    rest = list(Run.objects.filter(pk__in=pruning.marked_runs()))
    gone = list(delete_marked(rest, Pruned(), Pace()))

    assert gone == [run]
    assert list(Run.objects.all()) == [newest]
    assert len(list((data_folder / "runs").iterdir())) == 2


def test_run_deleted_while_folder_is_read(task: Task, data_folder: Path) -> None:
    """The file was listed, then it and its row went: there is nothing to set aside."""
    run, _newest = run_now(task), run_now(task)
    listed = [found for found in files.found_files() if found.run_id == run.pk]
    prune(task)
    from exports.housekeeping.leftovers import _clear_file

    for found in listed:
        _clear_file(found, None)

    assert not (data_folder / "orphaned").exists()


def test_file_that_cannot_be_deleted_stays_marked(task: Task, data_folder: Path) -> None:
    run, _newest = run_now(task), run_now(task)
    run_file(run).unlink()
    run_file(run).mkdir()  # no file, so it cannot be unlinked
    pruned = Pruned()

    assert list(delete_marked(mark([run.pk], timezone.now()), pruned, Pace())) == []
    assert pruning.marked_runs() == [run.pk]
    assert "cannot be deleted" in pruned.errors[0]


def test_marked_run_accepts_no_count(task: Task) -> None:
    doubtful = succeed(
        task, unfiltered_count=3, suspicion="Fewer.", suspicion_code="connectwise.fewer_shown"
    )
    seen = Run.objects.get(pk=doubtful.pk)
    Run.objects.filter(pk=doubtful.pk).update(pruned_at=timezone.now())

    assert not seen.accept_count("They were deleted.", name="somebody")


def test_portions_stop_for_a_shutdown(task: Task) -> None:
    run, _newest = run_now(task), run_now(task)

    def over() -> None:
        raise PruningStoppedError

    with pytest.raises(PruningStoppedError):
        list(delete_marked(mark([run.pk], timezone.now()), Pruned(), Pace(over)))
    assert pruning.marked_runs() == [run.pk]


def test_others_write_between_portions(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    run = succeed(task)
    RunLogEntry.objects.bulk_create(
        RunLogEntry(run=run, level="info", message="x") for _ in range(7)
    )
    free: list[bool] = []
    pace = Pace(lambda: free.append(not connection.in_atomic_block))

    assert pruning.delete_in_portions(RunLogEntry.objects.filter(run=run), pace) == 8
    assert free == [True] * 4


def test_run_number_of_ledger_cannot_be_reused(task: Task) -> None:
    run = succeed(task)

    with pytest.raises(IntegrityError), transaction.atomic():
        RunSummary.objects.create(
            pk=run.pk, task=task, queued_at=timezone.now(), batch_count=1, file_sha256="x"
        )


def test_missing_summaries_are_added(task: Task) -> None:
    run = succeed(task)
    put_out(run, 284)
    before = RunSummary.objects.values().get(pk=run.pk)
    RunSummary.objects.all().delete()
    RunSummary.objects.add_missing()

    assert RunSummary.objects.values().get(pk=run.pk) == before
    assert json.dumps(before["delivered_to"]) == "[]"
    assert before["finished_at"] - timezone.now() < timedelta()


def test_start_adds_missing_summaries_of_last_successes(task: Task) -> None:
    early, late = succeed(task), succeed(task)
    make_old(early)
    RunSummary.objects.all().delete()
    RunSummary.objects.add_missing(among_last=1)

    assert list(RunSummary.objects.values_list("pk", flat=True)) == [late.pk]
