"""What can be viewed or downloaded of a run: its file, proof and log; and the schema."""

import hashlib
from io import BytesIO
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.connectwise.xml.schema import FILE_NAME, schema
from exports.models import AuditAction, Run, record_action
from exports.models.audit import Changes
from exports.number_formats import utc_text
from exports.outside_numbers import read_number
from exports.reporting.downloads import as_attachment, attachment, download_name
from exports.reporting.file_pages import FilePage, page_before, page_from
from exports.reporting.xml_highlight import highlight_xml
from exports.storage import files
from exports.storage.run_files import (
    NO_FILE,
    UNREACHABLE,
    RunFileError,
    is_as_written,
    no_file,
    not_readable,
    open_run_file,
)
from exports.storage.store import StorageUnreachableError
from exports.views.runs import find_run

# A proof has a few kilobytes; a larger file in its place is not read whole.
_MAX_PROOF_BYTES = 1 << 20
_STATUSES = {NO_FILE: 404, UNREACHABLE: 503}


@require_safe
def download_run(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The run's own file, unchanged, as an attachment (O5)."""
    run = find_run(pk)
    try:
        content = open_run_file(run)
    except RunFileError as error:
        return _not_handed_out(request, run, error)
    _record(request, AuditAction.FILE_DOWNLOADED, run, {"sha256": [None, run.file_sha256]})
    return attachment(content, download_name(run), "application/xml; charset=utf-8")


@require_safe
def show_file(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the run's file: from byte `at` on, or the part that ends at byte `before`."""
    run = find_run(pk)
    if not run.file_path:
        return _not_handed_out(request, run, no_file(run))
    try:
        is_changed = not is_as_written(run)
        with files.open_file(run) as stream:
            page = _file_page(stream, request)
    except OSError as error:
        return _not_handed_out(request, run, not_readable(run, error))
    _record(request, AuditAction.FILE_VIEWED, run, {"from_byte": [None, page.start]})
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
        with files.store().open(files.manifest_name(run.file_path)) as content:
            proof = content.read(_MAX_PROOF_BYTES)
    except StorageUnreachableError as error:
        return _not_handed_out(request, run, not_readable(run, error))
    except OSError:
        sentence = _("The proof of %(run)s is not in the data folder.")
        return _no_file(request, run, sentence % {"run": run}, 404)
    if run.manifest_sha256 and hashlib.sha256(proof).hexdigest() != run.manifest_sha256:
        sentence = _(
            "The proof of %(run)s is not the one that was written (its SHA-256 differs): somebody "
            "changed it, so it is not handed out. Restore it from a backup."
        )
        return _no_file(request, run, sentence % {"run": run}, 410)
    _record(request, AuditAction.PROOF_DOWNLOADED, run)
    return attachment(BytesIO(proof), f"run-{run.pk}-proof.json", "application/json; charset=utf-8")


@require_safe
def download_log(request: HttpRequest, pk: int) -> HttpResponse:
    run = find_run(pk)
    lines = [
        f"{utc_text(entry.logged_at)} {entry.level.upper():7} {entry.message}\n"
        for entry in run.log_entries.order_by("id")
    ]
    response = HttpResponse(lines, content_type="text/plain; charset=utf-8")
    _record(request, AuditAction.LOG_DOWNLOADED, run)
    return as_attachment(response, f"run-{run.pk}.log")


@require_safe
def download_schema(request: HttpRequest) -> HttpResponseBase:
    """The schema that every exported file follows (X6)."""
    return attachment(BytesIO(schema()), FILE_NAME, "application/xml; charset=utf-8")


def _record(
    request: HttpRequest, action: AuditAction, run: Run, changes: Changes | None = None
) -> None:
    """Before the file is handed out: what cannot be recorded is not."""
    if request.method != "HEAD":
        record_action(action, run, changes)


def _file_page(stream: BinaryIO, request: HttpRequest) -> FilePage:
    before = _offset(request, "before")
    return page_from(stream, _offset(request, "at")) if not before else page_before(stream, before)


def _offset(request: HttpRequest, name: str) -> int:
    """The offset in bytes; 0 when the address holds no valid number."""
    return read_number(request.GET.get(name, "")) or 0


def _not_handed_out(request: HttpRequest, run: Run, error: RunFileError) -> HttpResponse:
    return _no_file(request, run, str(error), _STATUSES.get(error.code, 410))


def _no_file(request: HttpRequest, run: Run, sentence: str, status: int) -> HttpResponse:
    context = {"run": run, "sentence": sentence}
    return render(request, "exports/run_file/missing.html", context, status=status)
