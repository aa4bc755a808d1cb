"""A database that is locked or full during a run: reported as such, and the worker survives."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.db import connection as database

from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.pipeline.database_faults import fault_of
from exports.workers import jobs
from tests.conftest import MakeTask
from tests.pipeline.outcomes import exported_versions, log_of, unclaimed_files, versions_in
from tests.workers.processes import at_page, fresh, queue, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)


class OtherProgram:
    """Locks the whole database until it is told to release it."""

    def __init__(self) -> None:
        self.has_it, self.let_go = Event(), Event()
        self._thread = Thread(target=self._hold)

    def lock(self) -> None:
        self._thread.start()
        assert self.has_it.wait(20)

    def release(self) -> None:
        self.let_go.set()
        if self._thread.is_alive():
            self._thread.join(20)

    def _hold(self) -> None:
        with transaction.atomic(), database.cursor() as cursor:
            if database.vendor == "sqlite":
                cursor.execute("UPDATE exports_task SET name = name")
            else:
                cursor.execute("LOCK TABLE exports_run, exports_ledgerentry")
            self.has_it.set()
            self.let_go.wait(60)
        database.close()


@pytest.fixture
def other_program() -> Iterator[OtherProgram]:
    program = OtherProgram()
    yield program
    program.release()


@contextmanager
def short_patience() -> Iterator[None]:
    """Wait for locks 0.2 s instead of 30 s in this thread."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 200")
        else:
            cursor.execute("SET lock_timeout = 200")
    yield
    database.close()


def execute_while_locked(run: Run, stand_in: StandIn, program: OtherProgram) -> None:
    """The database is locked from the third page on, until the run has noticed."""
    at_page(stand_in, 3, program.lock)

    def release_later() -> None:
        program.has_it.wait(20)
        time.sleep(1)
        program.release()

    helper = Thread(target=release_later)
    helper.start()
    with short_patience():
        jobs.execute_here(run.pk, 1)
    helper.join(30)


def test_locked_database_resumes_the_run(
    task: Task, stand_in: StandIn, other_program: OtherProgram
) -> None:
    run = queue(task)
    execute_while_locked(run, stand_in, other_program)

    assert (fresh(run).status, fresh(run).attempt) == ("queued", 2)
    assert "The database refused" in log_of(run, "warning")
    work_off_queue()
    assert fresh(run).status == "succeeded"
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert unclaimed_files() == ()


def test_locked_database_is_named_as_reason(
    make_task: MakeTask, stand_in: StandIn, other_program: OtherProgram
) -> None:
    run = queue(make_task(can_resume_from_failure=False))
    execute_while_locked(run, stand_in, other_program)

    assert (fresh(run).status, fresh(run).error_code) == ("failed", "database.locked")
    assert "database locked" in fresh(run).error
    assert unclaimed_files() == ()


def test_full_disk_is_named_as_reason(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "full.sqlite3")) as full:
        full.execute("CREATE TABLE rows (text)")
        full.execute("PRAGMA max_page_count = 3")
        with pytest.raises(sqlite3.OperationalError) as caught:
            full.execute("INSERT INTO rows VALUES (?)", ["x" * 100_000])

    fault = fault_of(OperationalError(*caught.value.args))
    assert fault is not None
    assert (fault.code, fault.may_pass) == ("database.full", False)


def test_repeated_faults_end_the_run(
    task: Task, stand_in: StandIn, other_program: OtherProgram
) -> None:
    run = queue(task)
    Run.objects.filter(pk=run.pk).update(stalled_count=2)
    execute_while_locked(run, stand_in, other_program)

    assert (fresh(run).status, fresh(run).error_code) == ("failed", "database.locked")


def test_mistake_of_ours_is_no_fault() -> None:
    assert fault_of(IntegrityError("NOT NULL constraint failed: exports_run.site")) is None
