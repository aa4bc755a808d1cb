"""The page of a run, and its buttons: cancel, export again, accept the count."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.forms.runs import AcceptCountForm
from exports.models import Delivery, Run
from exports.reporting.check_commands import check_commands
from exports.reporting.completeness_summary import proof_of
from exports.reporting.deliveries import delivery_line, delivery_lines
from exports.reporting.file_pages import FilePage, first_lines
from exports.reporting.log_lines import lines_since, log_lines
from exports.reporting.run_diff import changes_of
from exports.reporting.run_progress import RunProgress, standing_of, title_of
from exports.reporting.xml_highlight import highlight_xml
from exports.storage import files
from exports.storage.integrity import is_as_written
from exports.views.buttons import button
from exports.views.queueing import WHILE_ACTIVE, queue_and_follow
from exports.workers import jobs


@require_safe
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = find_run(pk)
    context = {**_context(run), "log": log_lines(run, request.GET)}
    return render(request, "exports/run/run.html", context)


@require_safe
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress that the run page polls while the run is active; then the result."""
    return _answer_in_place(request, find_run(pk))


@require_safe
def show_delivery(request: HttpRequest, pk: int, destination: str) -> HttpResponse:
    """What the page of a run that is over asks for until its file is where it goes."""
    rows = Delivery.objects.select_related("run")
    row = get_object_or_404(rows, run=pk, destination=destination)
    context = {"run": row.run, "delivery": delivery_line(row, row.run.file_name)}
    return render(request, "exports/run/_delivery.html", context)


@button
def cancel_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Request the cancellation; the answer already shows it."""
    run = find_run(pk)
    is_asked = run.cancel(request.user)
    if getattr(request, "htmx", None):
        return _answer_in_place(request, run, is_just_cancelled=is_asked)
    if not is_asked:
        messages.info(request, _("%(run)s was over already.") % {"run": run})
    elif run.is_active:
        sentence = _("%(run)s is being cancelled.") % {"run": run}
        messages.info(request, sentence, extra_tags=WHILE_ACTIVE)
    else:
        messages.success(request, _("%(run)s was cancelled.") % {"run": run})
    return redirect("run-detail", pk)


@button
def reexport_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Export the batches of this run again in their current state; no date moves (R7).

    A re-export that exported nothing is repeated with the same batches.
    """
    run = find_run(pk)
    page = reverse("run-detail", args=[pk])
    wanted: dict[str, Any] = {"of_run": run}
    if not run.batch_count:
        if not run.is_reexport or run.is_active:
            sentence = _("%(run)s exported no batches, so there is nothing to export again.")
            messages.error(request, sentence % {"run": run})
            return redirect(page)
        wanted = {"of_run": run.reexport_of, "batch_ids": run.reexport_ids}
    return queue_and_follow(
        request, lambda: jobs.queue_reexport(run.task, request.user, **wanted), back=page
    )


@button
def accept_count(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the count of a suspicious run as complete, for the reason that was typed (W10)."""
    run = find_run(pk)
    form = AcceptCountForm(request.POST)
    if not form.is_valid():
        context = {**_context(run), "log": log_lines(run, request.GET), "accept_form": form}
        return render(request, "exports/run/run.html", context)
    name = request.user.get_username()
    if run.accept_count(form.cleaned_data["reason"], name=name, user=request.user):
        messages.success(request, _("The count of %(run)s is accepted.") % {"run": run})
    else:
        messages.info(request, _("%(run)s has no count to accept any more.") % {"run": run})
    return redirect("run-detail", pk)


def find_run(pk: int) -> Run:
    """The run with everything its pages show. Raises Http404."""
    related = ("task", "connection", "reexport_of", "requested_by", "cancel_requested_by")
    return get_object_or_404(Run.objects.select_related(*related), pk=pk)


def _answer_in_place(
    request: HttpRequest, run: Run, *, is_just_cancelled: bool = False
) -> HttpResponse:
    log = lines_since(run, request.GET) if run.is_active else log_lines(run, request.GET)
    context = {
        **_context(run),
        "log": log,
        "is_polled": True,
        "is_just_cancelled": is_just_cancelled,
    }
    return render(request, "exports/run/_progress.html", context)


def _context(run: Run) -> dict[str, Any]:
    now = timezone.now().replace(microsecond=0)
    progress = RunProgress.of(run, now)
    context = {"run": run, "progress": progress, "title": title_of(run, progress), "now": now}
    if run.is_active:
        is_queued = run.status == Run.Status.QUEUED
        has_worker = not is_queued or jobs.any_worker_alive()
        ahead = Run.objects.running().order_by("id").first() if is_queued else None
        standing = standing_of(run, now, has_worker=has_worker, ahead=ahead)
        return {**context, "standing": standing}
    beginning = _first_lines(run)
    return {
        **context,
        "accept_form": AcceptCountForm(),
        "proof": proof_of(run) if run.status == Run.Status.SUCCEEDED else None,
        "changes": changes_of(run),
        "led_to": run.led_to.first() if run.status == Run.Status.FAILED else None,
        "first_lines": beginning,
        "is_changed": beginning is not None and not _is_as_written(run),
        "first_xml": highlight_xml(beginning.text) if beginning else "",
        "deliveries": delivery_lines(run),
        "check_commands": check_commands(run.file_name),
        "can_run": run.task.enabled and not run.task.archived_at,
    }


def _first_lines(run: Run) -> FilePage | None:
    if not run.file_path:
        return None
    try:
        return first_lines(files.run_file(run))
    except OSError:
        return None


def _is_as_written(run: Run) -> bool:
    try:
        return is_as_written(files.run_file(run), run.file_sha256)
    except OSError:
        return False
