"""Home: what needs attention, then the tasks; and the part that refreshes itself."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from exports.models import Connection, Run, Task
from exports.models.secrets import is_readable
from exports.outside_numbers import read_id
from exports.reporting.attention import acknowledged, wrong_and_active
from exports.reporting.notices import notices_and_seen
from exports.reporting.task_overview import task_lines
from exports.views.htmx_request import HtmxRequest
from exports.views.list_address import with_address
from exports.views.task_list import row_context, tasks_context
from exports.workers import jobs

# A longer list would not be read; the list of tasks can show only those.
MAX_WRONG = 5
MAX_WATCHED = 100
MAX_ACKNOWLEDGED = 50


@require_safe
def show_home(request: HtmxRequest) -> HttpResponse:
    connections = _connections()
    context = {**tasks_context(request), **_attention(connections, watched=())}
    has_tasks = bool(context["task_count"]) or Task.objects.filter(archived_at=None).exists()
    context |= {
        "has_tasks": has_tasks,
        "has_connection": has_tasks or bool(connections),
        "has_runs": any(line.runs for line in context["lines"]) or Run.objects.exists(),
    }
    response = render(request, "exports/home/home.html", context)
    return with_address(request, response, context["filter"], "home")


@require_safe
def show_live(request: HttpRequest) -> HttpResponse:
    """The refreshed part while a run is active: what needs attention, and the active rows.

    `task` names the tasks that the page shows with an active run; they keep their place. `rows`
    names those that have a row on it: filtered or on another page, a task has none to renew.
    """
    connections = _connections()
    watched = _ids(request.GET.getlist("task"))
    context = _attention(connections, watched)
    renewed = {run.task_id for run in context["followed"]}
    if (rows := request.GET.get("rows")) is not None:
        renewed &= set(_ids(rows.split(",")))
    lines = task_lines(renewed)
    return render(
        request,
        "exports/home/_live.html",
        {**context, **row_context(request), "renewed": lines, "list_url": reverse("home")},
    )


def _connections() -> list[Any]:
    """What the notices about connections need: there may be hundreds, most without a notice."""
    columns = ("pk", "name", "private_key_token", "key_refused_at")
    return list(Connection.objects.order_by("name").values_list(*columns, named=True))


def _attention(connections: list[Any], watched: Sequence[int]) -> dict[str, Any]:
    """What needs attention, and the runs that are followed: the active, then those `watched`."""
    wrong, active = wrong_and_active(MAX_WRONG + len(watched) + 1, MAX_WATCHED)
    followed = _with_ended(active, watched)
    tasks = {run.task_id for run in followed}
    wrong = [run for run in wrong if run.task_id not in tasks]
    found, has_seen = notices_and_seen()
    is_waiting = any(run.status == Run.Status.QUEUED for run in active)
    return {
        "followed": followed,
        "notices": found,
        "acknowledged": acknowledged(MAX_ACKNOWLEDGED) if has_seen else [],
        "wrong": wrong[:MAX_WRONG],
        "has_more_wrong": len(wrong) > MAX_WRONG,
        "is_polling": bool(active),
        "watched_ids": [run.task_id for run in followed][:MAX_WATCHED],
        "unreadable": [each for each in connections if not is_readable(each.private_key_token)],
        "refused": [each for each in connections if each.key_refused_at],
        "no_worker": is_waiting and not jobs.any_worker_alive(),
    }


def _with_ended(active: list[Run], watched: Sequence[int]) -> list[Run]:
    """By name of the task; of a watched task that is not active any more, its newest run."""
    missing = set(watched) - {run.task_id for run in active}
    ended = Run.objects.newest_of(missing) if missing else []
    return sorted([*active, *ended], key=lambda run: run.task_name)


def _ids(texts: Sequence[str]) -> list[int]:
    ids = map(read_id, texts[:MAX_WATCHED])
    return [task_id for task_id in ids if task_id is not None]
