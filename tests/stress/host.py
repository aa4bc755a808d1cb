"""One of several hosts, imitated by a group of workers with a data folder of its own."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

from exports.models import Run
from tests.stress.network import HostNetwork, Side
from tests.stress.sample_installation import Process, end, kill, start_process

WORKERS_EACH = 2


class Host:
    """Its workers are started, killed, stopped, and cut off from what all hosts share.

    `network`: where they run in one of their own; without it the host cannot be cut off.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        program: tuple[str, ...],
        network: HostNetwork | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self._settings = {**settings, "CWEXPORT_DATA_DIR": str(folder)}
        self._program = program
        self._network = network
        self._log = folder.with_suffix(".log")
        self._workers: list[Process] = []
        self._back_at: float | None = None
        self._come_back: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start what is missing."""
        self._workers = [one for one in self._workers if one.poll() is None]
        before = self._network.before if self._network else []
        while len(self._workers) < WORKERS_EACH:
            self._workers.append(
                start_process(*self._program, log=self._log, before=before, **self._settings)
            )

    def end(self) -> None:
        self._return()
        for worker in self._workers:
            end(worker)
        self._workers = []

    def runs(self) -> list[Run]:
        """The running ones that its workers hold, by the process that an owner's name tells."""
        own = {str(worker.pid) for worker in self._workers}
        return [run for run in Run.objects.running() if run.owner.split("-")[-2] in own]

    def kill_one(self, random: Random) -> None:
        kill(random.choice(self._workers))

    def kill_all(self) -> None:
        for worker in self._workers:
            kill(worker)

    def stop(self, seconds: float) -> None:
        """It stands still, clock and all."""
        self._signal(signal.SIGSTOP)
        self._leave(seconds, lambda: self._signal(signal.SIGCONT))

    def cut_off(self, seconds: float, *sides: Side) -> None:
        """It lives on by itself."""
        assert self._network is not None
        self._network.cut(*sides)
        self._leave(seconds, self._network.join)

    def look(self) -> None:
        """Let it return when it was away for long enough, and replace what died."""
        if self._back_at is not None and time.monotonic() > self._back_at:
            self._return()
        if self._back_at is None:
            self.start()

    @property
    def is_away(self) -> bool:
        return self._back_at is not None

    def _leave(self, seconds: float, come_back: Callable[[], None]) -> None:
        self._back_at, self._come_back = time.monotonic() + seconds, come_back

    def _return(self) -> None:
        if self._back_at is not None:
            self._come_back()
            self._back_at = None

    def _signal(self, number: signal.Signals) -> None:
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, number)
