"""A run as programs see it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from exports.api.fields import Fault, Named, code, fault, named
from exports.api.links import links_of
from exports.api.lists import Page
from exports.models import Run
from exports.models.codes import Activity

RELATED: Final = ("task", "connection", "requested_by", "cancel_requested_by")


class RunFile(Schema):
    name: str
    size: int = Field(description="In bytes.")
    sha256: str


class RunLinks(Schema):
    self: str
    log: str
    file: str | None
    task: str
    page: str = Field(description="The page for people.")


class RunFields(Schema):
    """One execution of a task."""

    id: int
    task: Named
    connection: Named
    status: str = code(Run.Status)
    activity: str | None = code(Activity, None, description="What an active run is doing.")
    trigger: str = code(Run.Trigger)
    requested_by: str | None = Field(description="A user name; null when nobody asked by hand.")
    requested_with: str | None = Field(description="The name of the token, if one was used.")
    export: str
    attempt: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str | None
    cancel_requested_with: str | None
    batches: int | None = Field(description="How many are in the file; null without a file.")
    expected_count: int | None
    fetched_count: int
    skipped_count: int
    page_count: int
    retry_count: int
    retry_at: datetime | None
    file: RunFile | None
    error: Fault | None
    suspicion: Fault | None
    reexport_of: int | None = Field(description="The run whose batches are exported again.")
    links: RunLinks


class RunPage(Page):
    items: list[RunFields]


def run_shapes(request: HttpRequest) -> Callable[[Sequence[Run]], list[dict[str, Any]]]:
    link = links_of(request)
    return lambda runs: [_shape(run, link) for run in runs]


def run_fields(request: HttpRequest, run: Run) -> RunFields:
    return RunFields.model_validate(_shape(run, links_of(request)))


def _shape(run: Run, link: Callable[..., str]) -> dict[str, Any]:
    same = (
        *("id", "status", "trigger", "export", "attempt", "queued_at", "started_at"),
        *("finished_at", "cancel_requested_at", "expected_count", "fetched_count"),
        *("skipped_count", "page_count", "retry_count", "retry_at"),
    )
    return {
        **{name: getattr(run, name) for name in same},
        "task": named(run.task, run.task_name),
        "connection": named(run.connection),
        "activity": run.activity or None,
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
        "requested_with": run.requested_with or None,
        "cancel_requested_by": (
            run.cancel_requested_by.get_username() if run.cancel_requested_by else None
        ),
        "cancel_requested_with": run.cancel_requested_with or None,
        "batches": run.batch_count,
        "file": _file(run),
        "error": fault(run.error_code, run.error),
        "suspicion": fault(run.suspicion_code, run.suspicion),
        "reexport_of": run.reexport_of_id,
        "links": {
            "self": link("api:run-detail", run.pk),
            "log": link("api:run-log", run.pk),
            "file": link("api:run-file", run.pk) if run.file_path else None,
            "task": link("api:task-detail", run.task_id),
            "page": link("run-detail", run.pk),
        },
    }


def _file(run: Run) -> dict[str, Any] | None:
    if not run.file_path:
        return None
    return {"name": run.file_name, "size": run.file_size or 0, "sha256": run.file_sha256}
