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
    """A worker that gets SIGTERM during the transaction in which it takes a job."""
    worker = ExportWorker()
    take = DBTaskResultQuerySet.get_locked

    def take_with_a_signal(queue_rows: DBTaskResultQuerySet) -> object:
        worker.shutdown(signal.SIGTERM, None)
        return take(queue_rows)

    monkeypatch.setattr(DBTaskResultQuerySet, "get_locked", take_with_a_signal)
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
