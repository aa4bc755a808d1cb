"""Who may execute a run, who may end it, and what is left when a worker dies (rules R1 to R4)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread, Timer
from time import monotonic

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker as QueueWorker
from pytest_django import Settings

from exports import files, jobs, lease, runner
from exports.connectwise.client import RetryPolicy
from exports.demo import wires
from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import Sending, Status
from exports.demo.server import StandIn
from exports.models import Connection, LostRunError, Run, Task
from exports.models.tasks import RunActiveError, TaskUnusableError
from tests.conftest import MakeTask, run_now
from tests.runner.outcomes import (
    aftermath,
    exported_ids,
    exported_versions,
    is_page,
    log_of,
    page_requests,
    safe_failure,
    unclaimed_files,
    versions_in,
)

pytestmark = pytest.mark.django_db(transaction=True)

MANUAL = Run.Trigger.MANUAL


def queue(task: Task) -> Run:
    return jobs.queue_run(Task.objects.get(pk=task.pk), MANUAL)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def at_page(stand_in: StandIn, number: int, do: Callable[[], object]) -> None:
    """Call `do` once, in the server's thread, when the walk asks for its page `number`."""

    def hook(request: Request) -> None:
        if is_page(request) and len(page_requests(stand_in)) == number:
            do()
            database.close()

    stand_in.on_request(hook)


def work_off_queue() -> None:
    """What a worker does, until the queue is empty."""
    QueueWorker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="test",
        excluded_queue_names=[],
    ).run()


def fall_silent(run: Run) -> None:
    """The worker of a running run has shown no sign of life for a while."""
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))


def abandoned(task: Task) -> Run:
    """A run that was claimed by a worker which then died before its first page."""
    run = queue(task)
    assert run.claim("a worker that died")
    fall_silent(run)
    return fresh(run)


# Claiming


def test_of_two_claims_one_wins(task: Task) -> None:
    run = queue(task)
    first, second = fresh(run), fresh(run)

    assert [first.claim("one"), second.claim("two")] == [True, False]
    assert (fresh(run).owner, fresh(run).status) == ("one", "running")


def test_of_twenty_claims_at_once_one_wins(task: Task) -> None:
    run = queue(task)
    won: list[str] = []
    together(20, lambda number: fresh(run).claim(f"w{number}") and won.append(f"w{number}"))

    assert [fresh(run).owner] == won


def test_the_job_of_a_stale_attempt_does_nothing(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    assert run.claim("first")
    run.give_back("first")
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).attempt) == ("queued", 2)
    assert list(stand_in.requests) == []


def test_a_job_delivered_twice_executes_once(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    first = fresh(run)
    asked_count = len(stand_in.requests)
    jobs.execute_here(run.pk, 1)

    assert first.status == "succeeded"
    assert fresh(run).file_sha256 == first.file_sha256
    assert len(stand_in.requests) == asked_count
    assert unclaimed_files() == ()


def test_the_verbs_of_a_worker_that_lost_the_run_are_refused(task: Task) -> None:
    run = queue(task)
    assert run.claim("old")
    Run.objects.filter(pk=run.pk).update(owner="new")

    for verb in (
        lambda: run.progress("old", page_count=5),
        lambda: run.fail("old", "No."),
        lambda: run.finish_cancelled("old"),
        lambda: run.give_back("old"),
        lambda: run.succeed("old", batch_count=1, file_path="x", file_sha256="y"),
    ):
        with pytest.raises(LostRunError):
            verb()
    assert not run.renew("old")
    assert (fresh(run).status, fresh(run).owner, fresh(run).page_count) == ("running", "new", 0)


@pytest.mark.parametrize("page", [1, 3, 6])
def test_a_worker_that_lost_the_run_publishes_nothing(
    task: Task, stand_in: StandIn, page: int
) -> None:
    run = queue(task)
    at_page(stand_in, page, lambda: Run.objects.filter(pk=run.pk).update(owner="another"))
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).owner) == ("running", "another")
    assert [name for name in unclaimed_files() if not name.endswith(".part")] == []
    assert task.date_changes.filter(run=run).count() == 0


def test_a_worker_that_lost_the_run_during_the_proof_publishes_nothing(
    task: Task, stand_in: StandIn
) -> None:
    run = queue(task)

    def lose(request: Request) -> None:
        if request.endpoint == COUNT and len(stand_in.requests.counts) == 3:
            Run.objects.filter(pk=run.pk).update(owner="another")
            database.close()

    stand_in.on_request(lose)
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).owner) == ("running", "another")
    assert [name for name in unclaimed_files() if not name.endswith(".part")] == []
    fall_silent(run)
    jobs.recover()
    jobs.execute_here(run.pk, fresh(run).attempt)
    assert fresh(run).status in {"succeeded", "failed"}
    assert run_now(task).status == "succeeded"
    jobs.recover()
    assert unclaimed_files() == ()


# Queueing


def together(count: int, do: Callable[[int], object]) -> None:
    """Call `do` from so many threads in the same moment, each with a connection of its own."""
    barrier = Barrier(count)

    def one(number: int) -> None:
        try:
            barrier.wait(10)
            do(number)
        finally:
            database.close()

    threads = [Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_a_task_is_queued_once(task: Task) -> None:
    run = queue(task)

    with pytest.raises(RunActiveError) as caught:
        queue(task)

    assert caught.value.run == run
    assert str(caught.value) == f"Run {run.pk} of Nightly batches is already queued."


def test_a_task_that_runs_is_not_queued(task: Task) -> None:
    run = queue(task)
    assert run.claim("one")

    with pytest.raises(RunActiveError, match="already running"):
        queue(task)


def test_twenty_clicks_at_once_make_one_run(task: Task) -> None:
    outcomes: list[str] = []

    def click(number: int) -> None:
        try:
            queue(task)
        except RunActiveError as error:
            outcomes.append(f"active {error.run.pk}")
        else:
            outcomes.append("queued")

    together(20, click)

    run = Run.objects.get()
    assert sorted(outcomes) == sorted([f"active {run.pk}"] * 19 + ["queued"])
    work_off_queue()
    assert fresh(run).status == "succeeded"


def test_a_disabled_or_archived_task_is_not_queued(make_task: MakeTask) -> None:
    disabled = make_task(enabled=False)
    archived = make_task(name="Old", output_file="old.xml")
    archived.archive()

    for task, reason in ((disabled, "disabled"), (archived, "archived")):
        with pytest.raises(TaskUnusableError, match=reason):
            queue(task)
    assert Run.objects.count() == 0


# Cancel and shutdown


def test_a_queued_run_is_cancelled_at_once(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    assert run.cancel()
    work_off_queue()

    assert (fresh(run).status, fresh(run).finished_at is not None) == ("cancelled", True)
    assert list(stand_in.requests) == []
    assert not fresh(run).cancel()


def cancelled_after(run: Run, seconds: float) -> float:
    """Execute the run, cancel it from elsewhere meanwhile, and return how long that took to act."""
    asked_at: list[float] = []

    def cancel() -> None:
        fresh(run).cancel()
        asked_at.append(monotonic())
        database.close()

    timer = Timer(seconds, cancel)
    timer.start()
    jobs.execute_here(run.pk, run.attempt)
    timer.join()
    return monotonic() - asked_at[0]


def test_a_running_run_is_cancelled_between_pages(make_task: MakeTask, stand_in: StandIn) -> None:
    stand_in.latency = 0.2
    run = queue(make_task(page_size=1))

    assert cancelled_after(run, 0.5) < 2.5
    assert aftermath(fresh(run)).status == "cancelled"
    assert unclaimed_files() == ()
    assert run.task.date_changes.filter(run=run).count() == 0
    stand_in.latency = 0
    assert exported_versions(run_now(run.task)) == versions_in(stand_in)


def test_a_cancel_is_obeyed_inside_a_wait(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(min_wait=60))
    stand_in.faults.add(Status(503, on=(LIST,), when=is_page, after=1))
    run = queue(task)

    assert cancelled_after(run, 0.5) < 2.5
    assert (fresh(run).status, unclaimed_files()) == ("cancelled", ())


def test_a_cancel_is_obeyed_while_the_other_side_says_nothing(
    task: Task, stand_in: StandIn
) -> None:
    stand_in.faults.add(Sending(wires.never_answer, on=(LIST,), when=is_page, after=1))
    run = queue(task)

    assert cancelled_after(run, 0.5) < 2.5
    assert (fresh(run).status, unclaimed_files()) == ("cancelled", ())


@pytest.mark.parametrize("can_resume", [True, False])
@pytest.mark.parametrize("page", [1, 3])
def test_a_shutdown_gives_the_run_back_and_the_next_attempt_is_complete(
    make_task: MakeTask, stand_in: StandIn, page: int, can_resume: bool
) -> None:
    task = make_task(can_resume_from_failure=can_resume)
    at_page(stand_in, page, lease.shutdown.set)
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    given_back = fresh(run)
    lease.shutdown.clear()

    work_off_queue()

    assert (given_back.status, given_back.attempt, given_back.owner) == ("queued", 2, "")
    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert run.ledger_entries.count() == len(stand_in.store)
    assert unclaimed_files() == ()


def test_a_run_interrupted_again_and_again_is_complete_in_the_end(
    task: Task, stand_in: StandIn
) -> None:
    run = queue(task)
    uninterrupted = run_now_elsewhere(task)

    def interrupt(request: Request) -> None:
        if is_page(request):
            lease.shutdown.set()

    stand_in.on_request(interrupt)
    for _ in range(12):
        lease.shutdown.clear()
        jobs.execute_here(run.pk, fresh(run).attempt)
        if not fresh(run).is_active:
            break

    assert fresh(run).status == "succeeded"
    assert fresh(run).file_sha256 == uninterrupted
    assert fresh(run).fetched_count == fresh(run).batch_count == len(stand_in.store)


def run_now_elsewhere(task: Task) -> str:
    """The SHA-256 of the same export by another task."""
    twin = Task.objects.create(
        name="Twin", connection=task.connection, export="all", page_size=25, output_file="twin.xml"
    )
    twin.record_typed_dates(None, None)
    return run_now(twin).file_sha256


# Recovery


def test_a_lost_run_is_closed_with_the_reason(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task()
    run = abandoned(task)
    files.part_file(run).write_text("<half")
    jobs.recover()

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "fell silent" in fresh(run).error
    assert "fell silent" in log_of(run, "error")
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def test_a_run_whose_worker_lives_is_left_alone(task: Task) -> None:
    run = queue(task)
    assert run.claim("alive")
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=50))
    part = files.part_file(run)
    part.write_text("<half")
    jobs.recover(is_thorough=True)

    assert (fresh(run).status, fresh(run).owner) == ("running", "alive")
    assert part.exists()


def test_a_lost_run_that_was_to_be_cancelled_is_cancelled(task: Task) -> None:
    run = abandoned(task)
    run.cancel()
    jobs.recover()

    assert fresh(run).status == "cancelled"


def test_a_lost_run_resumes_where_its_part_file_is_there(task: Task, stand_in: StandIn) -> None:
    whole = run_now_elsewhere(task)
    run = queue(task)
    stand_in.requests.clear()
    # A worker that is cut off in the middle: it may neither publish nor clean up.
    at_page(stand_in, 4, lambda: Run.objects.filter(pk=run.pk).update(owner="frozen"))
    jobs.execute_here(run.pk, 1)
    fall_silent(run)
    stand_in.requests.clear()
    jobs.recover()
    work_off_queue()

    done = fresh(run)
    assert (done.status, done.error, done.file_sha256) == ("succeeded", "", whole)
    assert done.attempt == 2
    assert len(page_requests(stand_in)) < 6
    assert run.ledger_entries.count() == len(stand_in.store)
    assert unclaimed_files() == ()


def test_a_part_file_that_was_changed_is_not_resumed(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    at_page(stand_in, 4, lambda: Run.objects.filter(pk=run.pk).update(owner="frozen"))
    jobs.execute_here(run.pk, 1)
    part = files.part_file(run)
    part.write_bytes(part.read_bytes().replace(b"<id>1</id>", b"<id>2</id>"))
    fall_silent(run)
    jobs.recover()
    work_off_queue()

    assert aftermath(fresh(run)) == safe_failure(run)
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def test_a_run_that_was_never_enqueued_is_put_before_the_workers(
    task: Task, stand_in: StandIn
) -> None:
    run = task.queue_run(MANUAL)
    Run.objects.filter(pk=run.pk).update(queued_at=timezone.now() - timedelta(seconds=11))
    work_off_queue()
    before = fresh(run).status
    jobs.recover()
    work_off_queue()

    assert (before, fresh(run).status) == ("queued", "succeeded")
    assert exported_ids(fresh(run)) == stand_in.store.ids


def test_a_run_whose_job_got_lost_is_put_before_the_workers_again(
    task: Task, stand_in: StandIn
) -> None:
    from django_tasks_db.models import DBTaskResult

    run = queue(task)
    # A worker was killed after it took the job and before it claimed the run.
    DBTaskResult.objects.update(status="RUNNING")
    Run.objects.filter(pk=run.pk).update(
        queued_at=timezone.now() - timedelta(seconds=91),
        enqueued_at=timezone.now() - timedelta(seconds=91),
    )
    jobs.recover()
    work_off_queue()

    assert fresh(run).status == "succeeded"


def test_recovery_from_twenty_processes_at_once_decides_once(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    run = abandoned(make_task(on_failure_task=other))
    together(20, lambda number: jobs.recover())

    assert fresh(run).status == "failed"
    assert run.log_entries.filter(level="error").count() == 1
    assert other.runs.count() == 1


def test_leftovers_are_removed_and_whole_unknown_files_set_aside(
    task: Task, data_folder: Path
) -> None:
    run = run_now(task)
    runs, orphaned = data_folder / "runs", data_folder / "orphaned"
    (runs / "run-999-1.part").write_text("<half")
    (runs / f"run-{run.pk}-1.part").write_text("<half")
    (runs / "run-998-1-deadbeef.xml").write_text("<whole />")
    (runs / f"run-{run.pk}-1-00000000.xml").write_text("<whole twice />")
    (runs / "notes.txt").write_text("by a person")
    for _ in range(2):
        jobs.recover(is_thorough=True)

    own = files.run_file(run).name
    assert sorted(path.name for path in runs.iterdir()) == sorted([own, "notes.txt"])
    assert {path.name: path.read_text() for path in orphaned.iterdir()} == {
        "run-998-1-deadbeef.xml": "<whole />",
        f"run-{run.pk}-1-00000000.xml": "<whole twice />",
    }
    assert files.run_file(run).stat().st_size == run.file_size


def test_a_second_orphan_of_the_same_name_replaces_none(data_folder: Path, db: None) -> None:
    for text in ("one", "two"):
        (data_folder / "runs").mkdir(parents=True, exist_ok=True)
        (data_folder / "runs" / "run-998-1-deadbeef.xml").write_text(text)
        jobs.recover(is_thorough=True)

    kept = sorted(path.read_text() for path in (data_folder / "orphaned").iterdir())
    assert kept == ["one", "two"]


def test_an_unfinished_copy_of_a_dead_worker_is_removed(task: Task, data_folder: Path) -> None:
    import os

    run_now(task)
    draft = data_folder / "exports" / ".run-1-deadbeef.part"
    draft.write_text("<half")
    two_hours_ago = timezone.now().timestamp() - 7200
    os.utime(draft, (two_hours_ago, two_hours_ago))
    jobs.recover(is_thorough=True)

    assert [path.name for path in (data_folder / "exports").iterdir()] == ["batches.xml"]


def test_a_pick_up_copy_that_failed_is_retried(task: Task, data_folder: Path) -> None:
    in_the_way = data_folder / "exports" / "batches.xml"
    in_the_way.mkdir(parents=True)
    run = run_now(task)
    pending = run.is_copy_pending
    in_the_way.rmdir()
    jobs.recover()

    assert (run.status, pending, fresh(run).is_copy_pending) == ("succeeded", True, False)
    assert in_the_way.read_bytes() == files.run_file(run).read_bytes()
    assert "was not replaced yet" in log_of(run, "warning")
    assert unclaimed_files() == ()


def test_a_late_copy_does_not_replace_a_newer_one(
    task: Task, data_folder: Path, stand_in: StandIn
) -> None:
    in_the_way = data_folder / "exports" / "batches.xml"
    in_the_way.mkdir(parents=True)
    run_now(task)
    in_the_way.rmdir()
    stand_in.store.delete(stand_in.store.ids[0])
    newer = run_now(task)
    jobs.recover()

    assert in_the_way.read_bytes() == files.run_file(newer).read_bytes()
    assert Run.objects.filter(is_copy_pending=True).count() == 0


# The disk, the connection, the keys


@pytest.mark.parametrize("in_the_way", ["var", "var/runs"])
def test_a_folder_that_cannot_be_written_is_a_safe_failure(
    task: Task, stand_in: StandIn, tmp_path: Path, in_the_way: str
) -> None:
    obstacle = tmp_path / in_the_way
    obstacle.parent.mkdir(exist_ok=True)
    obstacle.write_text("a file where the folder belongs")
    run = run_now(task)
    obstacle.unlink()

    assert aftermath(run) == safe_failure(run)
    assert "could not be written" in run.error
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def test_a_full_disk_is_a_safe_failure_and_needs_no_restart(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    part = files.part_file(run)
    part.symlink_to("/dev/full")
    jobs.execute_here(run.pk, 1)

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "No space left on device" in fresh(run).error
    assert exported_versions(run_now(task)) == versions_in(stand_in)


@pytest.mark.parametrize("field", ["site", "company", "public_key"])
def test_a_connection_changed_after_queueing_fails_the_run_and_is_named(
    task: Task, stand_in: StandIn, field: str
) -> None:
    run = queue(task)
    Connection.objects.update(**{field: "https://elsewhere.example.com"})
    jobs.execute_here(run.pk, 1)

    assert aftermath(fresh(run)) == safe_failure(run)
    assert "Stand-in was changed after this run was queued" in fresh(run).error
    assert list(stand_in.requests) == []


def test_the_private_key_is_the_one_at_the_start_not_at_the_click(
    task: Task, stand_in: StandIn
) -> None:
    connection = Connection.objects.get()
    right = connection.private_key_token
    connection.write_private_key("wrong")
    connection.save()
    run = queue(task)
    Connection.objects.update(private_key_token=right)
    jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")


def test_a_wrong_encryption_key_is_told_in_a_sentence(
    task: Task, stand_in: StandIn, settings: Settings
) -> None:
    settings.CWEXPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "CWEXPORT_ENCRYPTION_KEYS" in run.error
    assert list(stand_in.requests) == []


# The On Failure Task


def test_the_on_failure_task_is_queued_once(make_task: MakeTask, stand_in: StandIn) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    task = make_task(on_failure_task=other)
    run = queue(task)
    with stand_in.faults.on(Status(401)):
        jobs.execute_here(run.pk, 1)
        jobs.execute_here(run.pk, 1)
        jobs.recover()
    work_off_queue()

    assert [r.trigger for r in other.runs.all()] == ["failure"]
    assert other.runs.get().status == "succeeded"
    assert "On Failure Task was queued" in log_of(run)


def test_success_and_cancel_queue_no_on_failure_task(make_task: MakeTask) -> None:
    other = make_task(name="Tell", output_file="tell.xml")
    task = make_task(on_failure_task=other)
    run_now(task)
    queue(task).cancel()
    work_off_queue()

    assert other.runs.count() == 0


def test_an_on_failure_task_that_cannot_run_is_told(make_task: MakeTask, stand_in: StandIn) -> None:
    other = make_task(name="Tell", output_file="tell.xml", enabled=False)
    task = make_task(on_failure_task=other)
    stand_in.faults.add(Status(401))

    run = run_now(task)

    assert run.status == "failed"
    assert "Tell is disabled" in log_of(run, "warning")
