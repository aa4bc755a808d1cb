"""What runs left, kept where housekeeping cannot reach it: to judge a history as a whole (G1)."""

import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from exports.models import Run, Task


class Archive:
    """The rows and files of runs that are over, as they were before housekeeping took them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cwexport-archive-"))
        self._kept: dict[int, Run] = {}

    def close(self) -> None:
        shutil.rmtree(self._folder)

    def keep(self) -> None:
        """Before each round of housekeeping; a row that has changed since is kept anew."""
        for run in Run.objects.filter(pruned_at=None).exclude(status__in=Run.ACTIVE):
            self._kept[run.pk] = run
            kept = self._path(run)
            if run.file_path and not kept.exists():
                # The same file under a second name: it costs no room while both are there.
                os.link(_own_path(run), kept)

    def runs_of(self, task: Task) -> list[Run]:
        """All runs of the task, oldest first, with those that housekeeping has taken."""
        here = {run.pk: run for run in Run.objects.filter(task=task, pruned_at=None)}
        gone = {number: run for number, run in self._kept.items() if run.task_id == task.pk}
        return [run for _, run in sorted({**gone, **here}.items())]

    def run(self, number: int) -> Run:
        """Raises Run.DoesNotExist."""
        here = Run.objects.filter(pk=number, pruned_at=None).first()
        return here or self._kept.get(number) or Run.objects.get(pk=number)

    def is_here(self, run: Run) -> bool:
        """Whether housekeeping has left it."""
        return Run.objects.filter(pk=run.pk, pruned_at=None).exists()

    def file_of(self, run: Run) -> Path:
        """The product's own file, unless housekeeping has taken the run."""
        return _own_path(run) if self.is_here(run) else self._path(run)

    def _path(self, run: Run) -> Path:
        return self._folder / f"{run.pk}.xml"


def _own_path(run: Run) -> Path:
    return Path(settings.CWEXPORT_DATA_DIR) / run.file_path
