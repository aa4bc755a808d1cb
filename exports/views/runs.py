"""Runs: the history, the page that follows one, and its files."""

import hashlib
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_tables2 import RequestConfig

from exports import files, jobs
from exports.connectwise import xml_check
from exports.filters import RunFilter
from exports.models import Run
from exports.tables import RunPages, RunTable
from exports.views.progress import (
    RunProgress,
    proof,
    silence_of,
    wanted_count,
    what_follows_silence,
)
from exports.views.queueing import WHILE_ACTIVE, queue_and_follow

LINES_WHILE_ACTIVE = 15
LINES_WHEN_OVER = 200


@require_safe
def list_runs(request: HttpRequest) -> HttpResponse:
    runs = Run.objects.select_related("requested_by").newest_first()
    found = RunFilter(request.GET, queryset=runs, request=request)
    table = RunTable(found.qs)
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    is_filtered = any(request.GET.get(name) for name in found.filters)
    context = {"filter": found, "table": table, "is_filtered": is_filtered}
    return render(request, "exports/run_list.html", context)


@require_safe
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "exports/run_detail.html", _context(_run(pk)))


@require_safe
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """What the run page asks for while the run is active; once it is over, the result."""
    return render(request, "exports/_run_progress.html", _context(_run(pk), is_polled=True))


@require_POST
def cancel_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(pk)
    if run.cancel(request.user):
        if run.status == Run.Status.CANCELLED:
            messages.success(request, f"{run} was cancelled.")
        else:
            messages.info(request, f"{run} is being cancelled.", extra_tags=WHILE_ACTIVE)
    else:
        messages.info(request, f"{run} was over already.")
    return redirect("run-detail", pk)


@require_POST
def run_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Export the batches of this run again, as they are now; no date moves (R7)."""
    run = _run(pk)
    page = reverse("run-detail", args=[pk])
    if not run.batch_count:
        messages.error(request, f"{run} exported no batches, so there is nothing to export again.")
        return redirect(page)
    return queue_and_follow(
        request,
        lambda: jobs.queue_again(run.task, request.user, of_run=run),
        back=page,
        what=f"exports the batches of run {run.pk} again",
    )


@require_safe
def download_run(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The run's own file, unchanged, as an attachment (O5)."""
    run = _run(pk)
    if not run.file_path:
        return _no_file(request, run, _why_no_file(run), 404)
    try:
        content = files.run_file(run).open("rb")
    except OSError:
        return _no_file(
            request, run, f"The file of {run} is no longer in the folder of this installation.", 410
        )
    if hashlib.file_digest(content, "sha256").hexdigest() != run.file_sha256:
        content.close()
        sentence = (
            f"The file of {run} is not the one that was written (its SHA-256 differs): somebody "
            "changed it, so it is not handed out. Restore it from a backup."
        )
        return _no_file(request, run, sentence, 410)
    content.seek(0)
    return _attachment(content, run.file_name, "application/xml")


@require_safe
def download_manifest(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The run's proof as JSON: counts, request, dates and hash (P3)."""
    run = _run(pk)
    try:
        if not run.file_path:
            raise FileNotFoundError
        content = files.manifest_file(run).open("rb")
    except OSError:
        return _no_file(request, run, f"The proof of {run} is not in the data folder.", 404)
    return _attachment(content, f"run-{run.pk}-proof.json", "application/json")


@require_safe
def download_log(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(pk)
    lines = [
        f"{entry.logged_at:%Y-%m-%dT%H:%M:%SZ} {entry.level.upper():7} {entry.message}\n"
        for entry in run.log_entries.order_by("id")
    ]
    response = HttpResponse(lines, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}.log"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def download_schema(request: HttpRequest) -> HttpResponseBase:
    """The schema that every exported file follows (X6)."""
    schema = Path(xml_check.__file__).with_name("batches.xsd")
    return _attachment(schema.open("rb"), "batches.xsd", "application/xml")


def _run(pk: int) -> Run:
    related = ("task", "connection", "again_of", "requested_by", "cancel_requested_by")
    return get_object_or_404(Run.objects.select_related(*related), pk=pk)


def _why_no_file(run: Run) -> str:
    if run.is_active:
        return f"{run} has no file yet: it is {run.status}."
    ended = "was cancelled" if run.status == Run.Status.CANCELLED else run.status
    return f"{run} has no file, because it {ended}."


def _context(run: Run, *, is_polled: bool = False) -> dict[str, Any]:
    line_count = LINES_WHILE_ACTIVE if run.is_active else LINES_WHEN_OVER
    newest_lines = list(run.log_entries.order_by("-id")[: line_count + 1])
    now = timezone.now()
    silence = silence_of(run, now)
    return {
        "run": run,
        "progress": RunProgress.of(run, now),
        "proof": proof(run) if run.status == Run.Status.SUCCEEDED else "",
        "wanted_count": wanted_count(run),
        "log": newest_lines[:line_count][::-1],
        "log_is_cut": len(newest_lines) > line_count,
        "no_worker": run.status == Run.Status.QUEUED and not jobs.any_worker_alive(),
        "silence": silence,
        "what_follows_silence": what_follows_silence(run, silence) if silence else "",
        "is_polled": is_polled,
    }


def _attachment(content: Any, name: str, content_type: str) -> FileResponse:
    response = FileResponse(content, as_attachment=True, filename=name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _no_file(request: HttpRequest, run: Run, sentence: str, status: int) -> HttpResponse:
    context = {"run": run, "sentence": sentence}
    return render(request, "exports/run_file_missing.html", context, status=status)
