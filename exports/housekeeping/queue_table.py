"""Housekeeping of the queue's own table: jobs whose run needs nobody any more (rule R3).

The engine leaves the row of a worker that was killed as running for ever, and a job that another
process executed as ready. Only the database queue has such rows; other engines clear their own.
"""

from datetime import timedelta

from django.apps import apps
from django.utils import timezone

from exports.models import Run

_KEPT = timedelta(days=7)
_TIME_TO_NOTE = timedelta(minutes=5)


def clear_queue_rows() -> None:
    """Delete jobs that have ended a week ago, and those whose run no longer waits for them."""
    if not apps.is_installed("django_tasks_db"):
        return
    from django_tasks_db.models import DBTaskResult

    DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - _KEPT).delete()
    waiting = DBTaskResult.objects.exclude(pk__in=DBTaskResult.objects.finished())
    # Ours alone: whatever else is queued there has arguments of its own.
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
    # Its worker may be about to note the end of the job; give it time.
    return run.finished_at is not None and run.finished_at < timezone.now() - _TIME_TO_NOTE
