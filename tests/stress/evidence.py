"""What the product left behind, as plain data for the checker: runs, files, folders, dates."""

import hashlib
import json
from pathlib import Path

from django.conf import settings

from exports.models import DateChange, Run, Task
from tests.delivery.deliveries import retry_now
from tests.stress.archive import Archive
from tests.stress.checker import Exported, TornError, Verdict, read_document
from tests.stress.decisions import Account
from tests.stress.promises import deciding_field, moves_of

FOLDERS = ("runs", "exports", "orphaned")
# Files already read and not changed since, as folders are checked after each kill.
_found_whole: set[tuple[str, int, int, int]] = set()


def exported_by(task: Task, archive: Archive) -> list[Exported]:
    """The files of the task's runs that succeeded, by the Run table, oldest first."""
    found = []
    for run in archive.runs_of(task):
        if run.status != "succeeded":
            continue
        assert run.started_at is not None
        assert run.finished_at is not None
        found.append(
            Exported(
                run_id=run.pk,
                path=archive.file_of(run),
                sha256=run.file_sha256,
                size=run.file_size or 0,
                batch_count=run.batch_count or 0,
                started_at=run.started_at,
                finished_at=run.finished_at,
                conditions=run.conditions,
                repeats=False,
                modified_after=run.modified_after,
                above_id=(run.start_id or 0) if run.export == "new" else 0,
                is_suspicious=run.is_suspicious,
            )
        )
    return found


def look_at_folders(*, is_recovered: bool) -> Verdict:
    """Wrong files in the data folder; violations are counted as torn.

    At any moment, only complete documents have final names. After a recovery there are also no
    temporary files and no file without a run, and the export folder has every task's newest file.
    """
    if is_recovered:
        retry_now()
    verdict = Verdict()
    folder = Path(settings.CWEXPORT_DATA_DIR)
    owned = {run.file_path: run for run in Run.objects.filter(status="succeeded")}
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*")):
            _look_at_file(path, owned, verdict, is_recovered=is_recovered)
    # The files of a run that housekeeping has begun to delete may be gone already.
    for path in (folder / path for path, run in owned.items() if run.pruned_at is None):
        if not path.is_file() or not path.with_suffix(".json").is_file():
            verdict.find("torn", f"{path.name}, or its proof, is recorded but not there")
    if is_recovered:
        for task in Task.objects.all():
            _look_at_copy(task, folder / "exports", verdict)
    return verdict


def _look_at_file(
    path: Path, owned: dict[str, Run], verdict: Verdict, *, is_recovered: bool
) -> None:
    if path.suffix == ".part":
        if is_recovered:
            verdict.find("torn", f"{path.parent.name}/{path.name} was left behind")
        return
    verdict.orphaned += path.parent.name == "orphaned" and path.suffix == ".xml"
    state = str(path), path.stat().st_ino, path.stat().st_size, path.stat().st_mtime_ns
    try:
        if state not in _found_whole:
            _read(path)
            _found_whole.add(state)
    except (TornError, ValueError) as error:
        verdict.find("torn", f"{path.parent.name}/{path.name}: {error}")
    own = f"runs/{path.with_suffix('.xml').name}"
    if is_recovered and path.parent.name == "runs" and own not in owned:
        verdict.find("torn", f"runs/{path.name} belongs to no run")


def _read(path: Path) -> None:
    """Raises TornError or ValueError unless the document and its manifest are complete."""
    if path.suffix == ".json":
        json.loads(path.read_bytes())
    else:
        read_document(path.read_bytes(), path.name)


def _look_at_copy(task: Task, folder: Path, verdict: Verdict) -> None:
    newest = Run.objects.filter(task=task, status="succeeded", batch_count__gt=0).last()
    if newest is None:
        return
    copy = folder / newest.file_name
    content = copy.read_bytes() if copy.is_file() else b""
    if hashlib.sha256(content).hexdigest() != newest.file_sha256:
        verdict.find("torn", f"{copy.name} is not the file of run {newest.pk}")


def look_at_kept(task: Task, archive: Archive) -> Verdict:
    """Whether housekeeping has left the newest file with batches of the task (G1)."""
    verdict = Verdict()
    files = [run for run in archive.runs_of(task) if run.status == "succeeded" and run.batch_count]
    if files and not archive.is_here(files[-1]):
        verdict.find("broken", f"{files[-1]} had the newest file of {task}, and was deleted")
    return verdict


def look_at_dates(task: Task, archive: Archive) -> Verdict:
    """Dates that do not follow from the runs; lost, as they skip batches (W2, W3, R7)."""
    verdict = Verdict()
    task.refresh_from_db()
    for field in DateChange.DateField.values:
        changes = list(DateChange.objects.filter(task=task, field=field).order_by("id"))
        for change in changes:
            problem = _problem_of(change, archive)
            if problem:
                verdict.find("lost", f"{task}: {change} {problem}")
        in_force = [change for change in changes if change.undone_at is None]
        if not in_force or getattr(task, field) != in_force[-1].date_after:
            verdict.find("lost", f"{task}: {field} is not what its history says")
    return verdict


def _problem_of(change: DateChange, archive: Archive) -> str:
    if change.run_id is None or change.origin != DateChange.Origin.RUN:
        return ""
    run = archive.run(change.run_id)
    if run.status != "succeeded" or change.date_after != run.connectwise_started_at:
        return "is not the start of a success"
    if run.is_reexport:
        return f"was moved by {run}, an export again"
    if run.is_suspicious:
        return f"was moved by {run}, which is suspicious"
    return ""


def look_at_decisions(task: Task, account: Account, archive: Archive) -> Verdict:
    """Whether each run started from the decided date, and each success moved it."""
    verdict = Verdict()
    field, moves = deciding_field(task), moves_of(task)
    for run in archive.runs_of(task):
        found, expected = (
            getattr(run, f"{field}_before"),
            account.terms(moves, run.pk).newest.moment,
        )
        if found != expected:
            verdict.find("broken", f"{task}: {run} found {field} {found}, decided was {expected}")
        is_plain = run.status == "succeeded" and not run.is_suspicious and not run.is_reexport
        started_at = run.connectwise_started_at
        if is_plain and started_at and started_at > found and run.pk not in moves:
            verdict.find("broken", f"{task}: {run} succeeded and did not move {field}")
    return verdict
