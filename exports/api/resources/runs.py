"""Runs: list, one, log, file, cancel."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from exports.api.fields import Day, Id, code
from exports.api.idempotency import KEY, once
from exports.api.lists import Page, PageQuery, check_query, filtered, page_of
from exports.api.openapi import FILE_ANSWERS
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources.run_fields import (
    RELATED,
    RunFields,
    RunPage,
    run_fields,
    run_shapes,
)
from exports.models import Run, RunLogEntry, RunSummary
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.reporting.downloads import attachment, not_modified
from exports.reporting.run_filters import SUSPICIOUS, RunFilter
from exports.storage.run_files import RunFileError, open_run_file

router = Router(tags=["Runs"])


class RunQuery(PageQuery):
    task: Id | None = Field(None, description="Only those of the task with this id.")
    status: str | None = code(Run.Status, SUSPICIOUS, default=None)
    trigger: str | None = code(Run.Trigger, default=None)
    from_: Day | None = Field(
        None, alias="from", description="Started on this day or later, as the pages show days."
    )
    to: Day | None = Field(None, description="Started on this day or earlier.")


class LogLine(Schema):
    id: int
    logged_at: datetime
    level: str = code(RunLogEntry.Level)
    message: str


class LogPage(Page):
    items: list[LogLine]


class LogQuery(PageQuery):
    level: str | None = code(RunLogEntry.Level, default=None, description="Only this level.")


@router.get("", response=RunPage, url_name="run-list", operation_id="list_runs")
def list_runs(request: HttpRequest, query: Query[RunQuery]) -> Any:
    """Newest first."""
    check_query(request, RunQuery)
    rows = filtered(request, query, RunFilter, Run.objects.filter(pruned_at=None))
    return page_of(request, query, rows.select_related(*RELATED), run_shapes(request))


@router.get("/{id:id}", response=RunFields, url_name="run-detail", operation_id="get_run")
def show_run(request: HttpRequest, id: Id) -> Any:
    """Ask again until its `status` is neither `queued` nor `running`."""
    return run_fields(request, found_run(id))


@router.get("/{id:id}/log", response=LogPage, url_name="run-log", operation_id="list_run_log")
def show_log(request: HttpRequest, id: Id, query: Query[LogQuery]) -> Any:
    """Oldest first; the lines of an active run go on growing."""
    check_query(request, LogQuery)
    rows = RunLogEntry.objects.filter(run=found_run(id))
    if query.level is not None:
        rows = rows.filter(level=query.level)
    return page_of(request, query, rows, _log_lines, newest_first=False)


@router.get(
    "/{id:id}/file",
    response={200: None},
    url_name="run-file",
    operation_id="get_run_file",
    openapi_extra=FILE_ANSWERS,
)
def download_file(request: HttpRequest, id: Id) -> HttpResponseBase:
    """The file as it was written; its SHA-256 is compared before the first byte is sent."""
    run = found_run(id)
    etag = f'"{run.file_sha256}"'
    if run.file_path and etag in parse_etags(request.headers.get("If-None-Match", "")):
        return not_modified(etag)
    try:
        content = open_run_file(run)
    except RunFileError as error:
        raise ProblemError(ProblemCode(error.code), str(error)) from error
    if request.method != "HEAD":
        downloaded = {"sha256": [None, run.file_sha256]}
        record_action(AuditAction.FILE_DOWNLOADED, run, downloaded)
    response = attachment(content, run.file_name, "application/xml; charset=utf-8")
    response["ETag"] = etag
    return response


@router.post(
    "/{id:id}/cancel", response=RunFields, url_name="run-cancel", operation_id="cancel_run"
)
def cancel_run(request: HttpRequest, id: Id, key: str | None = KEY) -> HttpResponse:
    """A queued run ends at once, a running one as soon as its worker has seen it."""
    run = found_run(id)

    def cancelled() -> Schema:
        if not run.cancel(request.user):
            raise ProblemError(ProblemCode.RUN_OVER, _("%(run)s was over already.") % {"run": run})
        return run_fields(request, found_run(id))

    return once(request, key, cancelled)


def found_run(pk: int) -> Run:
    """Raises Http404, or ProblemError for one that housekeeping deleted."""
    run = Run.objects.select_related(*RELATED).filter(pk=pk, pruned_at=None).first()
    if run is not None:
        return run
    if RunSummary.objects.filter(pk=pk).exists():
        detail = _("Housekeeping deleted this run and its file; the ledger keeps its batches.")
        raise ProblemError(ProblemCode.RUN_PRUNED, detail)
    raise Http404(_("There is no run with this id."))


def _log_lines(lines: Sequence[RunLogEntry]) -> list[dict[str, Any]]:
    return [
        {
            "id": line.pk,
            "logged_at": line.logged_at,
            "level": line.level,
            "message": str(line.message),
        }
        for line in lines
    ]
