"""The runs of one worker: normally one, more while those it has wait for silent hosts.

A run whose host does not answer uses no processor and may wait for minutes. Without this, as many
dead companies as there are workers would hold up every other company.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.db import DatabaseError, connections

from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.models import Run

# Each waiting run has some threads, sockets and one database connection.
MAX_RUNS: Final = 16
# A host that works has given its first answer by then.
_PATIENCE: Final = 2.0  # seconds


@dataclass(frozen=True)
class _RunThread:
    """A thread that executes one job."""

    thread: threading.Thread
    run_id: int
    started_at: float = field(default_factory=time.monotonic)


class RunThreads:
    """The threads in which a worker executes its jobs."""

    def __init__(self) -> None:
        self._threads: list[_RunThread] = []
        # Set when a job has ended, to look for room at once.
        self.ended = threading.Event()

    def start(self, run_id: int, execute: Callable[[], object]) -> None:
        """Execute the job of a run in a thread of its own."""

        def work() -> None:
            try:
                with isolated(_("the queue")):
                    execute()
            finally:
                connections.close_all()
                self.ended.set()

        thread = threading.Thread(target=work, name=f"job-{run_id}", daemon=True)
        self._threads.append(_RunThread(thread, run_id))
        thread.start()

    def has_room(self) -> bool:
        """Whether the worker may take another job: all its runs, if any, wait for silent hosts."""
        self.ended.clear()
        self._threads = [one for one in self._threads if one.thread.is_alive()]
        if not self._threads:
            return True
        is_early = any(time.monotonic() - one.started_at < _PATIENCE for one in self._threads)
        if is_early or len(self._threads) >= MAX_RUNS:
            return False
        run_ids = [one.run_id for one in self._threads]
        try:
            waiting_count = Run.objects.unanswered().filter(pk__in=run_ids).count()
        except DatabaseError:
            return False
        return waiting_count == len(self._threads)

    def join(self) -> None:
        """Wait until all jobs have ended; after a stop signal each gives its run back."""
        for one in self._threads:
            one.thread.join()
