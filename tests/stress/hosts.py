"""Two hosts on one database: workers and whole hosts killed and cut off, every batch accounted for.

A host is imitated by a group of workers with a data folder of its own; the export folder is one
that both mount. To cut one off, all its processes are stopped (SIGSTOP) until the others have taken
its runs away, and woken again: nothing it still does may count.
"""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random

from django.conf import settings

from exports.demo.records import seed_batches
from exports.models import Delivery, Run
from exports.models.errors import RunActiveError
from exports.models.runs import DEAD_AFTER
from exports.workers.queues.chosen import queue_engine
from tests.stress.changes import Changes
from tests.stress.checker import Verdict
from tests.stress.kill_points import wait_until
from tests.stress.sample_installation import (
    FILTERS,
    Process,
    SampleInstallation,
    end,
    kill,
    queue,
    start_process,
)

WORKERS_EACH = 2
# Seconds. A host is away for long enough to lose its runs, and the machine may be busy.
_AWAY = DEAD_AFTER.total_seconds() + 15
_PATIENCE = 1200.0
_TASKS = [("modified", 25), ("modified", 100), ("new", 100), ("modified", 50), ("all", 100)]


@dataclass
class HostsTally:
    run_count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    # Runs that more than one attempt was made at.
    taken_over_count: int = 0
    verdict: Verdict = field(default_factory=Verdict)


class Host:
    """Some workers with a data folder that no other host sees."""

    def __init__(self, folder: Path, shared_exports: Path, log: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self._settings = {
            "CWEXPORT_DATA_DIR": str(folder),
            "CWEXPORT_EXPORT_DIR": str(shared_exports),
        }
        self._log = log
        self._workers: list[Process] = []
        self._woken_at: float | None = None

    def start(self) -> None:
        """Start what is missing."""
        self._workers = [one for one in self._workers if one.poll() is None]
        while len(self._workers) < WORKERS_EACH:
            self._workers.append(
                start_process("manage.py", "worker", log=self._log, **self._settings)
            )

    def kill_one(self, random: Random) -> None:
        kill(random.choice(self._workers))

    def kill_all(self) -> None:
        for worker in self._workers:
            kill(worker)

    def cut_off(self) -> None:
        self._signal(signal.SIGSTOP)
        self._woken_at = time.monotonic() + _AWAY

    def look(self, *, is_over: bool = False) -> None:
        """Wake it when it was away for long enough, and replace what died."""
        if self._woken_at is not None and (is_over or time.monotonic() > self._woken_at):
            self._signal(signal.SIGCONT)
            self._woken_at = None
        if self._woken_at is None:
            self.start()

    @property
    def is_away(self) -> bool:
        return self._woken_at is not None

    def end(self) -> None:
        self._signal(signal.SIGCONT)
        for worker in self._workers:
            end(worker)
        self._workers = []

    def _signal(self, number: signal.Signals) -> None:
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, number)


class HostsHistory:
    """Runs of some tasks, each as soon as its last one is over, while hosts are struck."""

    def __init__(self, seed: int, folder: Path, *, batch_count: int) -> None:
        self.tally = HostsTally()
        self._random = Random(seed)
        self._sample = SampleInstallation(seed_batches(batch_count), parallel_requests=2)
        self._sample.stand_in.latency = 0.02
        self._changes = Changes(self._sample, Random(seed + 1))
        for number, (export, page_size) in enumerate(_TASKS):
            self._sample.add_task(export, page_size, FILTERS[number % len(FILTERS)])
        exports = Path(settings.CWEXPORT_DATA_DIR) / "exports"
        exports.mkdir(parents=True, exist_ok=True)
        self._hosts = [Host(folder / name, exports, folder / f"{name}.log") for name in ("a", "b")]
        # Each kind in turn, so that a short history has them all.
        kinds = [self._kill_worker, self._kill_host, self._cut_off]
        if settings.CWEXPORT_QUEUE is not None:
            kinds.append(self._empty_queue)
        self._strikes = cycle(kinds)

    def simulate(self, run_count: int, strike_count: int) -> HostsTally:
        """At least so many runs and strikes, a clean run of each task, and the verdict."""
        try:
            for host in self._hosts:
                host.start()
            while self.tally.run_count < run_count or self.tally.strikes.total() < strike_count:
                self._queue_some()
                time.sleep(self._random.uniform(0.2, 3))
                if not any(host.is_away for host in self._hosts):
                    next(self._strikes)()
                for host in self._hosts:
                    host.look()
            self._end_cleanly()
        finally:
            for host in self._hosts:
                host.end()
            self._sample.close()
        self._gather()
        self._count()
        self.tally.verdict.add(self._sample.judge_all())
        return self.tally

    def _queue_some(self) -> None:
        for task in self._sample.tasks:
            self._change()
            with suppress(RunActiveError):
                queue(task)
                self.tally.run_count += 1

    def _change(self) -> None:
        changes = self._changes
        kinds: list[Callable[[], None]] = [changes.add, changes.touch, changes.tie]
        for _ in range(self._random.choice((0, 1, 5))):
            self._random.choice(kinds)()

    def _kill_worker(self) -> None:
        self._wait_for_a_run()
        self.tally.strikes["worker killed"] += 1
        self._random.choice(self._hosts).kill_one(self._random)

    def _kill_host(self) -> None:
        self._wait_for_a_run()
        self.tally.strikes["host killed"] += 1
        self._random.choice(self._hosts).kill_all()

    def _cut_off(self) -> None:
        self._wait_for_a_run()
        self.tally.strikes["host cut off"] += 1
        self._random.choice(self._hosts).cut_off()

    def _empty_queue(self) -> None:
        self.tally.strikes["queue emptied"] += 1
        queue_engine().forget_all()

    def _wait_for_a_run(self) -> None:
        """A strike while nothing runs would prove nothing."""
        self._queue_some()
        wait_until(lambda: Run.objects.running().exists(), seconds=_PATIENCE)
        time.sleep(self._random.uniform(0, 0.5))

    def _end_cleanly(self) -> None:
        for host in self._hosts:
            host.look(is_over=True)
        self._wait_for_all()
        for host in self._hosts:
            # What was left behind is cleared by workers at their start.
            host.end()
            host.start()
        for task in self._sample.tasks:
            run = queue(task)
            self.tally.run_count += 1
            self._wait_for_all()
            run.refresh_from_db()
            if run.status != "succeeded":
                self.tally.verdict.find("lost", f"the clean {run} {run.status}: {run.error}")
        wait_until(lambda: not _open_deliveries(), seconds=_PATIENCE)

    def _wait_for_all(self) -> None:
        wait_until(lambda: not Run.objects.active().exists(), seconds=_PATIENCE)

    def _gather(self) -> None:
        """Put the files of both hosts where the checker looks for them."""
        for host in self._hosts:
            for name in ("runs", "orphaned"):
                target = Path(settings.CWEXPORT_DATA_DIR) / name
                target.mkdir(mode=0o700, exist_ok=True)
                for path in (host.folder / name).glob("*"):
                    shutil.move(path, target / path.name)

    def _count(self) -> None:
        tasks = [task.pk for task in self._sample.tasks]
        for run in Run.objects.filter(task__in=tasks):
            self.tally.statuses["suspicious" if run.suspicion else run.status] += 1
            self.tally.taken_over_count += run.attempt > 1


def _open_deliveries() -> bool:
    return Delivery.objects.open().exists()
