"""The queue's own table does not fill up with finished jobs."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from exports.models import Run, Task
from exports.workers import jobs, recovery
from tests.conftest import run_now

pytestmark = pytest.mark.django_db(transaction=True)


def ended_long_ago(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(minutes=10))


def test_a_job_that_another_process_executed_is_cleared(task: Task) -> None:
    ended_long_ago(run_now(task))
    assert DBTaskResult.objects.count() == 1
    recovery.recover()

    assert DBTaskResult.objects.count() == 0


def test_finished_job_of_killed_worker_is_cleared(task: Task) -> None:
    ended_long_ago(run_now(task))
    DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())
    recovery.recover()

    assert DBTaskResult.objects.count() == 0


def test_the_job_of_a_waiting_run_stays(task: Task) -> None:
    run = jobs.queue_run(task, Run.Trigger.MANUAL)
    recovery.recover()

    assert [row.args_kwargs["args"] for row in DBTaskResult.objects.all()] == [[run.pk, 1]]
