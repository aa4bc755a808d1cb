"""Whole files of runs that the database does not know: after a restore, those exported since (O2).

They were set aside and are never deleted. With the proof that stands beside each, its batches can
be taken into the ledger, so that no later run exports them a second time (rule B4).
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any, Final

from exports.models import Run, RunSummary, Task
from exports.models.codes import ErrorCode
from exports.storage import files
from exports.storage.store import ORPHANED, RUNS

_NAME: Final = re.compile(r"run-(?P<run>\d+)-.*\.xml")
_AT_ONCE: Final = 500
_MOST_BYTES: Final = 1 << 24


@dataclass(frozen=True)
class UnknownFile:
    """A whole file without a run, and what its proof says of it."""

    # With its folder, as in the store.
    path: str
    run_id: int

    @cached_property
    def proof(self) -> dict[str, Any]:
        """Empty where there is none that can be read."""
        try:
            with files.store().open(files.manifest_name(self.path)) as stream:
                found = json.loads(stream.read(_MOST_BYTES))
        except (OSError, ValueError):
            return {}
        is_ours = isinstance(found, dict) and found.get("run") == self.run_id
        return found if is_ours else {}

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def said(self, *names: str) -> Any:
        """What the proof says under these names, one inside the other; None for nothing."""
        found: Any = self.proof
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    @property
    def sha256(self) -> str:
        return str(self.said("file", "sha256") or "")

    @property
    def task_name(self) -> str:
        return str(self.said("task", "name") or "")

    @property
    def batch_count(self) -> int | None:
        count = self.said("counts", "written")
        return count if isinstance(count, int) else None

    @property
    def started_at(self) -> datetime | None:
        try:
            return datetime.fromisoformat(str(self.said("started")))
        except ValueError:
            return None

    def task(self) -> Task | None:
        try:
            unique_id = uuid.UUID(str(self.said("task", "unique_id")))
        except ValueError:
            return None
        return Task.objects.filter(unique_id=unique_id).first()


def unknown_files() -> Iterator[UnknownFile]:
    """Those set aside, and those that recovery is about to set aside; oldest run first."""
    found = sorted(_whole_files(), key=lambda file: (file.run_id, file.name))
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        ids = {file.run_id for file in some}
        in_history = {*Run.objects.filter(pk__in=ids).values_list("pk", "file_path")}
        taken_in = {*RunSummary.objects.filter(pk__in=ids).values_list("pk", "file_sha256")}
        active = {*Run.objects.active().filter(pk__in=ids).values_list("pk", flat=True)}
        for file in some:
            if (file.run_id, f"{RUNS}/{file.name}") in in_history or file.run_id in active:
                continue
            if (file.run_id, file.sha256) not in taken_in:
                yield file


def highest_number_on_disk() -> int:
    """The highest run number that a file in the data folder has, 0 without any."""
    return max((file.run_id for file in _whole_files()), default=0)


def is_number_free(run_id: int) -> bool:
    """Whether no run of the database has it but one that was cut off by the restore."""
    others = Run.objects.filter(pk=run_id).exclude(error_code=ErrorCode.RESTORED)
    return not others.exists() and not RunSummary.objects.filter(pk=run_id).exists()


def _whole_files() -> Iterator[UnknownFile]:
    for folder in (RUNS, ORPHANED):
        for name in files.store().names(folder):
            if files.is_run_file_name(name) and (match := _NAME.fullmatch(name)):
                yield UnknownFile(f"{folder}/{name}", int(match["run"]))
