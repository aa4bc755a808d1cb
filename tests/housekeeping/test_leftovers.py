"""Leftovers of dead workers are removed; whole files are set aside."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from exports.housekeeping import isolation, leftovers
from exports.models import LedgerEntry, Run, Task
from exports.models.ledger import Version
from exports.workers import recovery
from tests.conftest import run_now
from tests.housekeeping.pruning import make_old
from tests.pipeline.outcomes import log_of
from tests.run_files import manifest_file, run_file, stored, stored_names
from tests.workers.processes import fall_silent, fresh, queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def runs(data_folder: Path) -> Path:
    folder = data_folder / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder in memory: on Linux a different file system than the tests'."""
    root = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=root) as folder:
        yield Path(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def in_second_attempt(task: Task) -> Run:
    run = queue(task)
    assert run.claim("a worker that died")
    run.requeue("a worker that died")
    return fresh(run)


def test_kill_during_manifest_leaves_nothing(task: Task, each_store: str) -> None:
    run = in_second_attempt(task)
    stored(f"runs/run-{run.pk}-1-deadbeef.json.part").write_text("{")
    stored(f"runs/run-{run.pk}-1-deadbeef.json").write_text("{}")
    leftovers.clear_run_folder()

    assert stored_names("runs") == []


def test_part_of_dead_attempt_goes(task: Task, runs: Path, each_store: str) -> None:
    run = in_second_attempt(task)
    (runs / f"run-{run.pk}-1.part").write_text("<half")
    leftovers.clear_run_folder()

    assert names(runs) == []


def test_part_file_to_resume_from_stays(task: Task, runs: Path) -> None:
    run = in_second_attempt(task)
    Run.objects.filter(pk=run.pk).update(part_name=f"run-{run.pk}-1.part")
    for attempt in (1, 2):
        (runs / f"run-{run.pk}-{attempt}.part").write_text("<half")
    leftovers.clear_run_folder()

    assert names(runs) == [f"run-{run.pk}-1.part", f"run-{run.pk}-2.part"]


@pytest.mark.rule("O2", "Q3")
def test_whole_file_of_dead_attempt_is_set_aside(task: Task, each_store: str) -> None:
    """As of a worker that was cut off and published after its run had been taken away."""
    kept = run_now(task)
    run = in_second_attempt(task)
    stored(f"runs/run-{run.pk}-1-deadbeef.xml").write_text("<whole />")
    stored(f"runs/run-{run.pk}-1-deadbeef.json").write_text("{}")
    leftovers.clear_run_folder()
    leftovers.clear_run_folder()

    assert stored_names("runs") == [manifest_file(kept).name, run_file(kept).name]
    assert stored_names("orphaned") == [
        f"run-{run.pk}-1-deadbeef.json",
        f"run-{run.pk}-1-deadbeef.xml",
    ]
    assert "A whole file without a success" in log_of(run, "warning")


def test_closed_run_is_cleared_at_once(task: Task, runs: Path) -> None:
    recovery.recover()
    run = queue(task)
    assert run.claim("a worker that died")
    (runs / f"run-{run.pk}-1-deadbeef.json.part").write_text("{")
    fall_silent(run)
    recovery.recover()

    assert names(runs) == []


def test_orphan_moves_to_another_file_system(
    db: None, runs: Path, data_folder: Path, other_disk: Path
) -> None:
    (data_folder / "orphaned").symlink_to(other_disk)
    for name, content in (("xml", "<whole />"), ("json", "{}")):
        (runs / f"run-998-1-deadbeef.{name}").write_text(content)
    # A worker was killed during such a move.
    (other_disk / "run-998-1-deadbeef.xml.part").write_text("<wh")
    leftovers.clear_run_folder()

    assert names(runs) == []
    assert names(other_disk) == ["run-998-1-deadbeef.json", "run-998-1-deadbeef.xml"]
    assert (other_disk / "run-998-1-deadbeef.xml").read_text() == "<whole />"


def test_broken_entry_is_reported_once(
    task: Task, runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    isolation._reported.clear()
    (runs / "run-900-1.part").mkdir()
    run = run_now(task)
    (runs / f"run-{run.pk}-1.part").write_text("<half")
    for _ in range(3):
        recovery.recover(is_thorough=True)

    logged = [record for record in caplog.records if "run-900-1.part" in record.getMessage()]
    assert len(logged) == 1
    assert logged[0].exc_info is None
    assert f"run-{run.pk}-1.part" not in names(runs)


def test_mistake_in_one_step_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    isolation._reported.clear()
    for _ in range(2):
        with isolation.isolated("a step"):
            raise KeyError("a mistake of ours")
    with isolation.isolated("another step"):
        pass

    assert [bool(record.exc_info) for record in caplog.records] == [True]


def test_step_that_fails_within_another_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    isolation._reported.clear()
    for _ in range(3):
        with isolation.isolated("the queue"), isolation.isolated("the queue"):
            raise OSError("no answer")

    assert len(caplog.records) == 1


def test_ended_runs_are_asked_for_rows_at_once(
    task: Task, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        assert queue(task).cancel()
    with django_assert_num_queries(1):
        leftovers.delete_staged()


def test_staged_rows_of_a_cancelled_run_are_deleted(task: Task) -> None:
    run = queue(task)
    LedgerEntry.objects.stage(run, [Version(1, "2026-01-31T14:51:00Z", "0" * 32)])
    assert run.cancel()
    leftovers.delete_lately_staged()
    assert not LedgerEntry.objects.exists()


def test_start_looks_at_last_runs_of_any_age(task: Task) -> None:
    """Not at all of them, which may be a hundred thousand: housekeeping does, once a day."""
    runs = [cancelled_with_staged_row(task, days_ago) for days_ago in (30, 20, 10)]
    leftovers.delete_lately_staged()
    assert staged_runs() == {run.pk for run in runs}

    leftovers.delete_lately_staged(among_last=2)
    assert staged_runs() == {runs[0].pk}
    leftovers.delete_staged()
    assert staged_runs() == set()


def cancelled_with_staged_row(task: Task, days_ago: int) -> Run:
    run = queue(task)
    LedgerEntry.objects.stage(run, [Version(1, "2026-01-31T14:51:00Z", "0" * 32)])
    assert run.cancel()
    make_old(run, days=days_ago)
    return run


def staged_runs() -> set[int]:
    return set(LedgerEntry.objects.values_list("run_id", flat=True))
