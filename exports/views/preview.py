"""What the next run of a task would fetch: the task as saved, or as typed in its form."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import reselect, reswap, retarget

from exports import clock
from exports.forms.dates import DATES
from exports.forms.tasks import TaskForm
from exports.live_checks.connection_steps import Step
from exports.live_checks.preview import SHOWN_COUNT, Preview, follow_preview, preview
from exports.models import Task
from exports.outside_numbers import read_id
from exports.reporting.xml_highlight import highlight_xml
from exports.views.htmx_request import HtmxRequest
from exports.views.live_tests import END_OF_STATE
from exports.views.tasks import _show_form

# Not taken over from a posted form: the page adds its own token, and no row button was pressed.
_LONGEST_XML: Final = 200_000  # characters, so that one huge batch cannot make the page huge
_NOT_TYPED = ("csrfmiddlewaretoken", "row_action")


@never_cache
@require_http_methods(["GET", "POST"])
def preview_new_task(request: HtmxRequest) -> HttpResponse | StreamingHttpResponse:
    """A preview of a task that was never saved: its values come with the form."""
    if request.method == "GET":
        return redirect("task-create")
    return _preview_typed(request, None)


@never_cache
@require_http_methods(["GET", "POST"])
def preview_task(request: HtmxRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """GET previews the saved task and can be reloaded; POST previews what its form holds.

    Neither changes anything, here or at ConnectWise. But a preview calls ConnectWise with the keys,
    and a link on another site must not cause that: after such a link the page asks first.
    """
    task = get_object_or_404(Task.objects.select_related("connection"), pk=pk)
    if request.method == "POST":
        return _preview_typed(request, task)
    if not _is_from_our_pages(request):
        return render(request, "exports/preview/ask_first.html", {"task": task})
    if request.htmx:
        found = Preview()
        states = follow_preview(found, task, task.saved_conditions())
        return _stream(request, "exports/preview/_shown.html", task, found, states)
    context: dict[str, Any] = {
        "task": task,
        "active_run": task.active_run(),
        "saved_name": task.name,
    }
    # A page that comes at once and then asks; a link asks for it where it can be followed.
    context["is_asking"] = "follow" in request.GET
    if not context["is_asking"]:
        context |= _shown(task, preview(task, task.saved_conditions()))
    return render(request, "exports/preview/preview.html", context)


def _is_from_our_pages(request: HttpRequest) -> bool:
    """Decided by the browser's own headers; over plain http some browsers only send Referer."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    try:
        before = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return False
    return (before.scheme, before.netloc) == (request.scheme, request.get_host())


def _preview_typed(request: HtmxRequest, task: Task | None) -> HttpResponse | StreamingHttpResponse:
    source = None if task else _source(request)
    form = TaskForm(instance=task, data=request.POST, source=source, is_for_preview=True)
    action = _address_of(task, source)
    if "row_action" in request.POST or not form.is_valid():
        return _show_refused(request, form, action)
    typed = form.instance
    typed_dates = [
        name for name in DATES if getattr(form.before, name, None) != getattr(typed, name)
    ]
    rows = form.rows.conditions()
    if request.htmx:
        found = Preview()
        states = follow_preview(found, typed, rows, typed_dates=typed_dates)
        return _stream(request, "exports/preview/_panel.html", typed, found, states)
    context = _shown(typed, preview(typed, rows, typed_dates=typed_dates))
    saved_name = form.before.name if form.before else ""
    context |= {"typed": list(_typed(request)), "action": action, "saved_name": saved_name}
    return render(request, "exports/preview/preview.html", context)


def _stream(
    request: HtmxRequest,
    template: str,
    task: Task,
    found: Preview,
    states: Iterator[Sequence[Step]],
) -> StreamingHttpResponse:
    """The steps whenever one begins, each time ended by a form feed, then the preview itself."""
    # The answer is made after the request, whose zone is over by then.
    zone = timezone.get_current_timezone()

    def parts() -> Iterator[str]:
        for steps in states:
            yield render_to_string("exports/preview/_steps.html", {"steps": steps}) + END_OF_STATE
        with timezone.override(zone):
            yield render_to_string(template, _shown(task, found), request)

    return StreamingHttpResponse(parts(), content_type="text/html; charset=utf-8")


def _show_refused(request: HtmxRequest, form: TaskForm, action: str) -> HttpResponse:
    """The form with its errors for a preview; its buttons must not lead back to the preview."""
    form.helper.form_action = action
    response = _show_form(request, form)
    if not request.htmx:
        return response
    return retarget(reselect(reswap(response, "outerHTML"), "#content"), "#content")


def _source(request: HttpRequest) -> Task | None:
    """The task that a new one is a copy of; only needed to show the form's page."""
    source_id = read_id(request.GET.get("copy_of", ""))
    return Task.objects.filter(pk=source_id).first() if source_id else None


def _address_of(task: Task | None, source: Task | None) -> str:
    """The address where the form is shown and saved."""
    if task:
        return reverse("task-edit", args=[task.pk])
    return reverse("task-clone", args=[source.pk]) if source else reverse("task-create")


def _shown(task: Task, found: Preview) -> dict[str, Any]:
    xml = found.first.xml if found.first else ""
    return {
        "task": task,
        "preview": found,
        "window": found.window,
        "preflight": found.preflight,
        "first": found.first,
        "xml": highlight_xml(xml[:_LONGEST_XML]),
        "is_xml_cut": len(xml) > _LONGEST_XML,
        "most_shown_count": SHOWN_COUNT,
        "asked_at": clock.now(),
    }


def _typed(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Everything typed in the form, to be put back into it."""
    for name, values in request.POST.lists():
        if name not in _NOT_TYPED:
            yield from ((name, str(value)) for value in values)
