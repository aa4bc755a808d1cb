"""A signal that arrives between two runs, while the worker looks into the queue (rule R3)."""

import signal

import pytest
from django_tasks_db.models import DBTaskResultQuerySet

from exports.models import Task, Worker
from exports.workers.worker import ExportWorker
from tests.workers.processes import fresh, queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signalled_worker(monkeypatch: pytest.MonkeyPatch) -> ExportWorker:
    """A worker that gets SIGTERM while it looks for a job."""
    worker = ExportWorker()
    look = DBTaskResultQuerySet.ready

    def look_with_a_signal(queue_rows: DBTaskResultQuerySet) -> object:
        worker.shutdown(signal.SIGTERM, None)
        return look(queue_rows)

    # Called for every look, and again within the transaction that takes a job.
    monkeypatch.setattr(DBTaskResultQuerySet, "ready", look_with_a_signal)
    return worker


def test_a_worker_without_work_ends_quietly(signalled_worker: ExportWorker) -> None:
    signalled_worker.run()

    assert not Worker.objects.exists()


def test_run_just_taken_is_requeued(task: Task, signalled_worker: ExportWorker) -> None:
    run = queue(task)
    signalled_worker.run()

    assert (fresh(run).status, fresh(run).attempt) == ("queued", 2)
    assert fresh(run).enqueued_at is not None
    assert not Worker.objects.exists()
