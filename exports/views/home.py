"""The first page: what needs attention, then every task."""

from dataclasses import dataclass

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exports import jobs
from exports.models import Connection, Run, Task


@dataclass(frozen=True)
class TaskLine:
    """A task with the runs its line shows: the last that is over, the active one, the file."""

    task: Task
    last_run: Run | None
    active_run: Run | None
    latest_file: Run | None

    @property
    def needs_attention(self) -> bool:
        last = self.last_run
        return last is not None and (last.status == Run.Status.FAILED or last.is_suspicious)


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    lines = _task_lines()
    waiting = any(line.active_run and line.active_run.status == "queued" for line in lines)
    context = {
        "lines": lines,
        "attention": [line for line in lines if line.needs_attention],
        "active": [line.active_run for line in lines if line.active_run],
        "no_worker": waiting and not jobs.any_worker_alive(),
        "has_connection": bool(lines) or Connection.objects.exists(),
    }
    return render(request, "exports/home.html", context)


def _task_lines() -> list[TaskLine]:
    """Every task with its runs, in two queries however many there are."""
    runs = Run.objects.filter(task=OuterRef("pk")).order_by("-id").values("id")
    tasks = Task.objects.filter(archived_at=None).annotate(
        last_run_id=Subquery(runs.exclude(status__in=Run.ACTIVE)[:1]),
        active_run_id=Subquery(runs.filter(status__in=Run.ACTIVE)[:1]),
        # Whoever wants the newest batches is not helped by a newer file without any.
        latest_file_id=Subquery(runs.filter(status=Run.Status.SUCCEEDED, batch_count__gt=0)[:1]),
    )
    found = list(tasks.select_related("connection").order_by("name"))
    wanted = {
        run_id
        for task in found
        for run_id in (task.last_run_id, task.active_run_id, task.latest_file_id)
        if run_id is not None
    }
    by_id = {run.pk: run for run in Run.objects.filter(pk__in=wanted)}
    return [
        TaskLine(
            task,
            last_run=by_id.get(task.last_run_id),
            active_run=by_id.get(task.active_run_id),
            latest_file=by_id.get(task.latest_file_id),
        )
        for task in found
    ]
