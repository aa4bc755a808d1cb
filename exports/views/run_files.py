"""What can be viewed or downloaded of a run: its file, proof and log; and the schema."""

import hashlib
from io import BytesIO
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.connectwise.plain_files import open_plain
from exports.connectwise.xml.schema import FILE_NAME, schema
from exports.models import Run
from exports.number_formats import utc_text
from exports.outside_numbers import read_number
from exports.reporting.file_pages import FilePage, page_before, page_from
from exports.reporting.xml_highlight import highlight_xml
from exports.storage import files
from exports.storage.integrity import is_as_written
from exports.views.downloads import as_attachment, attachment
from exports.views.runs import find_run

# A proof has a few kilobytes; a larger file in its place is not read whole.
_MOST_PROOF_BYTES = 1 << 20


@require_safe
def download_run(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The run's own file, unchanged, as an attachment (O5)."""
    run = find_run(pk)
    if not run.file_path:
        return _no_file(request, run, _why_no_file(run), 404)
    try:
        content = open_plain(files.run_file(run))
    except OSError:
        return _no_file(request, run, _gone(run), 410)
    if hashlib.file_digest(content, "sha256").hexdigest() != run.file_sha256:
        content.close()
        sentence = _(
            "The file of %(run)s is not the one that was written (its SHA-256 differs): somebody "
            "changed it, so it is not handed out. Restore it from a backup."
        )
        return _no_file(request, run, sentence % {"run": run}, 410)
    content.seek(0)
    return attachment(content, run.file_name, "application/xml; charset=utf-8")


@require_safe
def show_file(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the run's file: from byte `at` on, or the part that ends at byte `before`."""
    run = find_run(pk)
    if not run.file_path:
        return _no_file(request, run, _why_no_file(run), 404)
    try:
        path = files.run_file(run)
        is_changed = not is_as_written(path, run.file_sha256)
        page = _file_page(path, request)
    except OSError:
        return _no_file(request, run, _gone(run), 410)
    context = {
        "run": run,
        "page": page,
        "xml": highlight_xml(page.text),
        "is_changed": is_changed,
    }
    return render(request, "exports/run_file/run_file.html", context)


@require_safe
def download_manifest(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The run's proof as JSON: counts, request, dates and hash (P3)."""
    run = find_run(pk)
    try:
        if not run.file_path:
            raise FileNotFoundError
        content = open_plain(files.manifest_file(run))
    except OSError:
        sentence = _("The proof of %(run)s is not in the data folder.")
        return _no_file(request, run, sentence % {"run": run}, 404)
    with content:
        proof = content.read(_MOST_PROOF_BYTES)
    if run.manifest_sha256 and hashlib.sha256(proof).hexdigest() != run.manifest_sha256:
        sentence = _(
            "The proof of %(run)s is not the one that was written (its SHA-256 differs): somebody "
            "changed it, so it is not handed out. Restore it from a backup."
        )
        return _no_file(request, run, sentence % {"run": run}, 410)
    return attachment(BytesIO(proof), f"run-{run.pk}-proof.json", "application/json; charset=utf-8")


@require_safe
def download_log(request: HttpRequest, pk: int) -> HttpResponse:
    run = find_run(pk)
    lines = [
        f"{utc_text(entry.logged_at)} {entry.level.upper():7} {entry.message}\n"
        for entry in run.log_entries.order_by("id")
    ]
    response = HttpResponse(lines, content_type="text/plain; charset=utf-8")
    return as_attachment(response, f"run-{run.pk}.log")


@require_safe
def download_schema(request: HttpRequest) -> HttpResponseBase:
    """The schema that every exported file follows (X6)."""
    return attachment(BytesIO(schema()), FILE_NAME, "application/xml; charset=utf-8")


def _file_page(path: Path, request: HttpRequest) -> FilePage:
    before = _offset(request, "before")
    return page_from(path, _offset(request, "at")) if not before else page_before(path, before)


def _offset(request: HttpRequest, name: str) -> int:
    """The offset in bytes; 0 when the address holds no valid number."""
    return read_number(request.GET.get(name, "")) or 0


def _why_no_file(run: Run) -> str:
    why = {
        Run.Status.QUEUED: _("%(run)s has no file yet: it is queued."),
        Run.Status.RUNNING: _("%(run)s has no file yet: it is running."),
        Run.Status.CANCELLED: _("%(run)s has no file, because it was cancelled."),
    }
    otherwise = _("%(run)s has no file, because it failed.")
    return why.get(Run.Status(run.status), otherwise) % {"run": run}


def _gone(run: Run) -> str:
    sentence = _("The file of %(run)s is no longer in the folder of this installation.")
    return sentence % {"run": run}


def _no_file(request: HttpRequest, run: Run, sentence: str, status: int) -> HttpResponse:
    context = {"run": run, "sentence": sentence}
    return render(request, "exports/run_file/missing.html", context, status=status)
