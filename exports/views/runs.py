"""The page of a run, and its buttons: cancel, export again, accept the count."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports import clock
from exports.forms.runs import AcceptCountForm, MarkForm
from exports.models import Delivery, Destination, DueTime, Run, RunMark, RunSummary
from exports.reporting.check_commands import check_commands
from exports.reporting.completeness_summary import completeness_check_of
from exports.reporting.deliveries import delivery_line, delivery_lines
from exports.reporting.export_folder import standing_file
from exports.reporting.file_pages import FilePage, first_lines
from exports.reporting.log_lines import lines_since, log_lines
from exports.reporting.queue import queue_error
from exports.reporting.run_diff import changes_of
from exports.reporting.run_downloads import downloads_of
from exports.reporting.run_marks import run_marks
from exports.reporting.run_progress import RunProgress, standing_of, title_of
from exports.reporting.xml_highlight import highlight_xml
from exports.storage import files
from exports.storage.run_files import is_as_written, not_readable
from exports.views.buttons import button
from exports.views.queueing import WHILE_ACTIVE, queue_and_follow
from exports.workers import jobs


@require_safe
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        run = find_run(pk)
    except Http404:
        return _show_pruned(request, pk)
    context = {**_context(run), "log": log_lines(run, request.GET)}
    return render(request, "exports/run/run.html", context)


def _show_pruned(request: HttpRequest, pk: int) -> HttpResponse:
    """What stays of a success that housekeeping deleted (G2). Raises Http404 for other numbers."""
    run = get_object_or_404(RunSummary.objects.select_related("task"), pk=pk)
    return render(request, "exports/run/pruned.html", {"run": run}, status=410)


@require_safe
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress that the run page polls while the run is active; then the result."""
    return _answer_in_place(request, find_run(pk))


@require_safe
def show_delivery(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """What the page of a run that is over asks for until its file is where it goes."""
    rows = Delivery.objects.select_related("run")
    row = get_object_or_404(rows, run=pk, pk=delivery)
    context = {"run": row.run, "delivery": delivery_line(row)}
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


@button
def mark_run(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Mark the file as imported or checked, with a note (M1)."""
    run, form = find_run(pk), MarkForm(request.POST)
    label = _mark_label(kind)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for error in form.errors["note"]))
    elif RunMark.objects.mark(run, kind, form.cleaned_data["note"], request.user):
        messages.success(request, _("%(run)s: %(mark)s.") % {"run": run, "mark": label})
    else:
        sentence = _("%(run)s was marked already, or has no batches to mark.")
        messages.info(request, sentence % {"run": run})
    return redirect(f"{reverse('run-detail', args=[pk])}#marks")


@button
def unmark_run(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    run, label = find_run(pk), _mark_label(kind)
    if RunMark.objects.unmark(run, kind):
        sentence = _("%(run)s is no longer marked: %(mark)s.")
        messages.success(request, sentence % {"run": run, "mark": label})
    return redirect(f"{reverse('run-detail', args=[pk])}#marks")


def _mark_label(kind: str) -> str:
    """Raises Http404 for what is no mark."""
    if kind not in RunMark.Kind.values:
        raise Http404
    return str(RunMark.Kind(kind).label)


def find_run(pk: int) -> Run:
    """The run with everything its pages show. Raises Http404, also for one being pruned."""
    related = ("task", "connection", "reexport_of", "requested_by", "cancel_requested_by")
    return get_object_or_404(Run.objects.select_related(*related), pk=pk, pruned_at=None)


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
    now = clock.now().replace(microsecond=0)
    progress = RunProgress.of(run, now)
    context = {"run": run, "progress": progress, "title": title_of(run, progress), "now": now}
    if run.trigger == Run.Trigger.WORKFLOW:
        steps = run.step_runs.filter(is_kept=False)
        context["workflow_step"] = steps.select_related("workflow_run").first()
    if run.trigger == Run.Trigger.SCHEDULE:
        context["due_time"] = run.due_times.filter(state=DueTime.State.FIRED).first()
    if run.is_active:
        is_queued = run.status == Run.Status.QUEUED
        has_worker = not is_queued or jobs.any_worker_alive()
        ahead = Run.objects.running().order_by("id").first() if is_queued else None
        error = queue_error() if is_queued else ""
        standing = standing_of(run, now, has_worker=has_worker, queue_error=error, ahead=ahead)
        return {**context, "standing": standing}
    is_success = run.status == Run.Status.SUCCEEDED
    beginning, file_problem = _first_lines(run)
    return {
        **context,
        "accept_form": AcceptCountForm(),
        "marks": run_marks(run) if is_success and run.batch_count else [],
        "completeness_check": completeness_check_of(run) if is_success else None,
        "changes": changes_of(run),
        "standing_file": standing_file(run),
        "led_to": run.led_to.first() if run.status == Run.Status.FAILED else None,
        "first_lines": beginning,
        "file_problem": file_problem,
        "is_changed": beginning is not None and not _is_as_written(run),
        "first_xml": highlight_xml(beginning.text) if beginning else "",
        "deliveries": delivery_lines(run),
        "downloads": downloads_of(run),
        "destinations": Destination.objects.order_by("name"),
        "check_commands": check_commands(run.file_name),
        "can_run": run.task.enabled and not run.task.archived_at,
    }


def _first_lines(run: Run) -> tuple[FilePage | None, str]:
    """The beginning of the run's file, or why it cannot be shown."""
    if not run.file_path:
        return None, ""
    try:
        with files.open_file(run) as stream:
            return first_lines(stream), ""
    except OSError as error:
        return None, str(not_readable(run, error))


def _is_as_written(run: Run) -> bool:
    try:
        return is_as_written(run)
    except OSError:
        return False
