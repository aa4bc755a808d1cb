"""Home: what needs attention, then all tasks; and the part that refreshes itself."""

from collections.abc import Collection, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exports.models import Connection, Run, Task
from exports.outside_numbers import read_id
from exports.reporting.task_overview import TaskLine, task_lines
from exports.workers import jobs

# A longer list would not be read; the table below marks each of them anyway.
MOST_SHOWN = 8
MOST_WATCHED = 100


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    lines = task_lines()
    context = {
        **_context(lines, watched=()),
        "lines": lines,
        "has_connection": bool(lines) or Connection.objects.exists(),
        "has_runs": any(line.runs for line in lines),
        "archived": Task.objects.exclude(archived_at=None).only("name").order_by("name"),
    }
    return render(request, "exports/home/home.html", context)


@require_safe
def show_live(request: HttpRequest) -> HttpResponse:
    """The refreshed part while a run is active: what needs attention, and the active rows.

    `task` names the tasks that the page shows with an active run; they keep their place.
    """
    watched = _ids(request.GET.getlist("task"))
    lines = task_lines()
    context = _context(lines, watched=watched)
    renewed = [line for line in lines if line.task.pk in context["watched_ids"]]
    return render(request, "exports/home/_live.html", {**context, "renewed": renewed})


def _context(lines: Sequence[TaskLine], watched: Collection[int]) -> dict[str, Any]:
    active = [line for line in lines if line.active_run]
    followed = [line for line in lines if line.active_run or line.task.pk in watched]
    wrong = [line for line in lines if line.needs_attention and line not in followed]
    connections = list(Connection.objects.order_by("name"))
    waiting = any(line.runs[0].status == Run.Status.QUEUED for line in active)
    return {
        "followed": followed,
        "wrong": wrong[:MOST_SHOWN],
        "wrong_more_count": len(wrong) - MOST_SHOWN,
        "is_polling": bool(active),
        "watched_ids": [line.task.pk for line in followed][:MOST_WATCHED],
        "unreadable": [each for each in connections if not each.is_key_readable],
        "refused": [each for each in connections if each.key_refused_at],
        "no_worker": waiting and not jobs.any_worker_alive(),
    }


def _ids(texts: Sequence[str]) -> set[int]:
    ids = map(read_id, texts[:MOST_WATCHED])
    return {task_id for task_id in ids if task_id is not None}
