"""Deletes old jobs from the database queue's table (rule R3).

The queue leaves the job of a killed worker as running for ever, and a job whose run another process
executed as ready. Other engines clear their own jobs.
"""

from datetime import timedelta

from django.apps import apps
from django.utils import timezone

from exports.models import Run

_KEPT = timedelta(days=7)
_TIME_TO_NOTE = timedelta(minutes=5)


def clear_queue_rows() -> None:
    """Delete jobs that ended over a week ago, and jobs that their run no longer needs."""
    if not apps.is_installed("django_tasks_db"):
        return
    from django_tasks_db.models import DBTaskResult

    DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - _KEPT).delete()
    waiting = DBTaskResult.objects.exclude(pk__in=DBTaskResult.objects.finished())
    # Only jobs of execute_run: other jobs have other arguments.
    ours = waiting.filter(task_path__endswith=".execute_run").order_by()
    asked = {row.pk: row.args_kwargs["args"] for row in ours}
    runs = Run.objects.in_bulk({args[0] for args in asked.values()})
    stale = [
        key for key, (run_id, attempt) in asked.items() if _is_stale(runs.get(run_id), attempt)
    ]
    DBTaskResult.objects.filter(pk__in=stale).delete()


def is_in_queue(run: Run) -> bool:
    """Whether a job for this attempt still waits to be taken; False when the engine cannot say."""
    if not apps.is_installed("django_tasks_db"):
        return False
    from django_tasks_db.models import DBTaskResult

    ready = DBTaskResult.objects.ready()
    return ready.filter(args_kwargs__args=[run.pk, run.attempt]).exists()


def _is_stale(run: Run | None, attempt: int) -> bool:
    if run is None:
        return True
    if run.is_active:
        return run.attempt != attempt
    # Give its worker time to record the end of the job.
    return run.finished_at is not None and run.finished_at < timezone.now() - _TIME_TO_NOTE
