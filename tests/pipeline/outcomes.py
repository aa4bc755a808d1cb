"""The result of a run: its row, files and dates, to be compared as a whole."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from lxml import etree

from exports.demo.answers import COUNT, Request
from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.storage import files
from tests.conftest import run_now
from tests.run_files import run_file, stored_names


@dataclass(frozen=True)
class Aftermath:
    """`file_names`: all files in the data folder except those of successful runs."""

    status: str
    file_names: tuple[str, ...]
    date_created: datetime
    date_modified: datetime
    moved_date_count: int


def aftermath(run: Run) -> Aftermath:
    task = Task.objects.get(pk=run.task_id)
    return Aftermath(
        run.status,
        unclaimed_files(),
        task.date_created,
        task.date_modified,
        task.date_changes.filter(run_id=run.pk).count(),
    )


def safe_failure(run: Run) -> Aftermath:
    """The only result a failure may have: no file, no part of one, no date moved."""
    return Aftermath("failed", (), run.date_created_before, run.date_modified_before, 0)


def unclaimed_files() -> tuple[str, ...]:
    """Paths in data folder and store that belong to no successful run."""
    folder = Path(settings.CWEXPORT_DATA_DIR)
    known = {"installation_id", "folder_id", "start.lock"}
    for run in Run.objects.filter(status="succeeded"):
        proof = files.manifest_name(run.file_path)
        known |= {run.file_path, proof, f"exports/{run.file_name}"}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    stored = {f"{name}/{one}" for name in ("runs", "orphaned") for one in stored_names(name)}
    return tuple(sorted((found | stored) - known))


def exported_versions(run: Run) -> list[tuple[int, str]]:
    """(id, lastUpdated as written) of every batch in the run's file, in order."""
    batches = etree.fromstring(run_file(run).read_bytes())
    return [
        (int(b.findtext("id", default="")), b.findtext("_info/lastUpdated", default=""))
        for b in batches
    ]


def exported_ids(run: Run) -> list[int]:
    return [number for number, _ in exported_versions(run)]


def versions_in(stand_in: StandIn) -> list[tuple[int, str]]:
    """The same of the stand-in's batches, in the shape of `exported_versions`."""
    return [(r["id"], r.get("_info", {}).get("lastUpdated", "")) for r in stand_in.store.records]


def page_requests(stand_in: StandIn) -> list[Request]:
    """The requests for pages, without those for the highest id."""
    return [asked for asked in stand_in.requests.lists if asked.query["orderBy"] == "id asc"]


def is_page(request: Request) -> bool:
    """For a fault's `when`: whether this is a request for a page."""
    return request.query.get("orderBy") == "id asc"


def is_proof(request: Request) -> bool:
    """Whether this is the count after the last page: of batches unchanged since the run's start."""
    return request.endpoint == COUNT and "lastUpdated <=" in request.query.get("conditions", "")


def log_of(run: Run, *levels: str) -> str:
    lines = run.log_entries.filter(level__in=levels) if levels else run.log_entries.all()
    return "\n".join(line.message for line in lines.order_by("id"))


def next_run_is_complete(task: Task, stand_in: StandIn) -> bool:
    """Whether a run without faults exports every batch of the stand-in, once each."""
    stand_in.faults.clear()
    run = run_now(task)
    return run.status == "succeeded" and exported_versions(run) == versions_in(stand_in)
