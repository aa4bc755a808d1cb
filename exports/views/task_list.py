"""The list of all tasks: searched, filtered, grouped and paged by its address."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from exports.access.rights import may
from exports.models import Task, Workflow
from exports.outside_numbers import read_id
from exports.reporting.task_choices import names_like
from exports.reporting.task_filters import TaskFilter
from exports.reporting.task_pages import TaskPage
from exports.views.htmx_request import HtmxRequest
from exports.views.list_address import with_address

MAX_SUGGESTED = 20
_WORDS: Final = {
    "result": gettext_lazy("Last Result"),
    "runs": gettext_lazy("Last runs"),
    "next": gettext_lazy("Next run fetches"),
    "tag": gettext_lazy("Tag"),
    "download": gettext_lazy("Download latest"),
    "run": gettext_lazy("Run now"),
    "preview": gettext_lazy("Preview"),
    "edit": gettext_lazy("Edit"),
}


@require_safe
def list_tasks(request: HtmxRequest) -> HttpResponse:
    context = tasks_context(request)
    response = render(request, "exports/tasks/task_list.html", context)
    return with_address(request, response, context["filter"], "task-list")


@require_safe
def suggest_names(request: HtmxRequest) -> JsonResponse:
    """Names with the words of `q`, for a field that takes a name; with `workflows` theirs too."""
    text = request.GET.get("q", "")[:100]
    names = names_like(Task.objects.filter(archived_at=None), text, MAX_SUGGESTED)
    if "workflows" in request.GET:
        names += names_like(Workflow.objects.filter(archived_at=None), text, MAX_SUGGESTED)
    return JsonResponse({"names": names[:MAX_SUGGESTED]})


def tasks_context(request: HtmxRequest) -> dict[str, Any]:
    """The found tasks, as Home and the list show them."""
    found = TaskFilter(request.GET, queryset=Task.objects.order_by("name"), request=request)
    shown = TaskPage(found, read_id(request.GET.get("page", "")) or 1)
    return {
        "filter": found,
        "chips": found.chips(),
        "page": shown.page,
        "task_count": shown.count,
        "lines": shown.lines,
        "groups": list(shown.groups()),
        "is_grouped": bool(found.grouping),
        "page_query": found.query("page"),
        **row_context(request),
    }


def row_context(request: HttpRequest) -> dict[str, Any]:
    """What the rows of tasks have in common: asked in each, it would take a third of the time."""
    user = request.user
    return {
        "history_url": reverse("run-list"),
        "may": {
            "select": may(user, "task-run-selected", "POST"),
            "run": may(user, "task-run", "POST"),
            "preview": may(user, "task-preview"),
            "edit": may(user, "task-edit"),
        },
        "words": {name: str(word) for name, word in _WORDS.items()},
    }
