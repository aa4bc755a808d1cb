"""The row of a job is deleted while its worker executes it, as after minutes of SIGSTOP (R3)."""

import logging
import signal
from threading import Thread

import pytest
from django.db import connection
from django_tasks_db.models import DBTaskResult

from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.workers.queues.database_engine import DatabaseEngine
from exports.workers.worker import ExportWorker
from tests.pipeline.outcomes import exported_versions, versions_in
from tests.workers.processes import at_page, fresh, queue
from tests.workers.test_worker import is_over, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("R3")
def test_cleared_job_disturbs_no_worker(
    task: Task, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    run = queue(task)
    at_page(stand_in, 2, lambda: DBTaskResult.objects.all().delete())
    worker = ExportWorker()

    def work() -> None:
        try:
            worker.run()
        finally:
            connection.close()

    thread = Thread(target=work)
    with caplog.at_level(logging.WARNING):
        thread.start()
        wait_until(lambda: is_over(run))
        worker.shutdown(signal.SIGTERM, None)
        thread.join(120)

    assert fresh(run).status == Run.Status.SUCCEEDED
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert [line for line in caplog.messages if "Put off" in line] == []


@pytest.mark.parametrize("error", [None, ValueError("a bug")])
def test_end_of_cleared_job_is_left(task: Task, error: Exception | None) -> None:
    queue(task)
    engine = DatabaseEngine()
    job = engine.take(0)
    assert job
    DBTaskResult.objects.all().delete()
    engine.done(job, error)

    assert not DBTaskResult.objects.exists()


@pytest.mark.parametrize(
    ("error", "status"), [(None, "SUCCESSFUL"), (ValueError("a bug"), "FAILED")]
)
def test_end_of_job_is_noted(task: Task, error: Exception | None, status: str) -> None:
    queue(task)
    engine = DatabaseEngine()
    job = engine.take(0)
    assert job
    engine.done(job, error)
    row = DBTaskResult.objects.get()

    assert (row.status, row.finished_at is not None) == (status, True)
    assert ("a bug" in row.traceback) == (error is not None)
