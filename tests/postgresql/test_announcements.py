"""A new job is told to idle workers; what is not told is found all the same (rule Q2)."""

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database

from exports.models import Task
from exports.workers import jobs
from exports.workers.queues import database_engine
from exports.workers.queues.database_engine import DatabaseEngine
from exports.workers.queues.engine import Job
from tests.workers.processes import queue

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 120.0


def woken(engine: DatabaseEngine) -> Job | None:
    """What the engine takes after it was told; a worker may have been asked to stop in between."""
    assert engine.take(PATIENCE) is None
    return engine.take(0.001)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> DatabaseEngine:
    """The engine of a worker that has found nothing, and will not look by itself."""
    monkeypatch.setattr(database_engine, "_LOOK_ALL_THE_SAME", float("inf"))
    engine = DatabaseEngine()
    assert engine.take(0.001) is None
    return engine


def test_queued_run_wakes_an_idle_worker(task: Task, idle: DatabaseEngine) -> None:
    run = queue(task)
    job = woken(idle)

    assert job
    assert (job.run_id, job.attempt) == (run.pk, 1)
    assert idle.take(0.001) is None


def test_nothing_is_told_before_the_commit(task: Task, idle: DatabaseEngine) -> None:
    with transaction.atomic():
        queue(task)
        transaction.set_rollback(True)

    assert idle.take(0.001) is None


@pytest.mark.rule("Q2")
def test_job_that_was_not_told_is_found(
    task: Task, idle: DatabaseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue(task)
    assert woken(idle)
    assert idle.take(0.001) is None
    jobs.execute_run.enqueue(run.pk, 2)
    assert idle.take(0.001) is None

    monkeypatch.setattr(database_engine, "_LOOK_ALL_THE_SAME", 0.0)
    job = idle.take(0.001)
    assert job
    assert job.attempt == 2


@pytest.mark.rule("Q5")
def test_worker_listens_again_on_a_new_connection(task: Task, idle: DatabaseEngine) -> None:
    database.connection.pgconn.finish()
    with pytest.raises(OperationalError):
        idle.take(PATIENCE)
    database.close_if_unusable_or_obsolete()
    run = queue(task)
    job = idle.take(0.001)

    assert job
    assert job.run_id == run.pk
    assert idle.take(0.001) is None
    jobs.enqueue(run)
    assert woken(idle)
