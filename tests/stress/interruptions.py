"""Runs that are killed, stopped or cancelled before their end."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Thread

from django.db import connection

from exports.demo.answers import LIST, Request
from exports.demo.faults import Delay
from exports.models import Run
from exports.storage.folders import folder_for
from tests.stress.checker import Verdict
from tests.stress.pace import Clock
from tests.stress.sample_installation import (
    Process,
    SampleInstallation,
    execute,
    export_in_a_process,
    kill,
    start_worker,
)

_STOPPED_WITHIN = 10.0


class Interruptions:
    """The ways to interrupt a queued run; `verdict` has the promises broken by them.

    `change` is called with every request meanwhile, as other people continue working.
    """

    def __init__(
        self,
        sample: SampleInstallation,
        random: Random,
        *,
        clock: Clock,
        log: Path,
        change: Callable[[Request], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.verdict = Verdict()
        self.slowest_stop = 0.0
        self._sample = sample
        self._random = random
        self._clock = clock
        self._log = log
        self._change = change

    def kill(self, run: Run) -> None:
        """SIGKILL the process that executes the run, at some request or a moment after it."""
        victim = export_in_a_process(run, log=self._log, clock=self._clock)
        pause = self._random.choice((0, 0, 0.003, 0.02, 0.1))

        def strike() -> None:
            self.counts["killed"] += 1
            Thread(target=_signal_later, args=(victim, signal.SIGKILL, pause)).start()

        self._after_some_requests(25, strike)
        try:
            victim.wait(timeout=120)
        finally:
            kill(victim)

    def stop(self, run: Run) -> None:
        """SIGTERM a real worker at some request of the run, or after the run.

        It must end within 10 seconds and leave the run finished or queued again.
        """
        worker = start_worker(log=self._log, clock=self._clock)
        pause = self._random.choice((0, 0, 0.003, 0.02, 0.1))
        sent_at: list[float] = []

        def strike() -> None:
            self.counts["stopped"] += 1
            sent_at.append(time.monotonic() + pause)
            Thread(target=_signal_later, args=(worker, signal.SIGTERM, pause)).start()

        self._after_some_requests(25, strike)
        try:
            while worker.poll() is None and _is_active(run):
                time.sleep(0.02)
            sent_at.append(time.monotonic())
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=60)
            self._judge_stop(run, time.monotonic() - sent_at[0])
        finally:
            kill(worker)

    def cancel(self, run: Run) -> None:
        """Cancel the run at one of its first requests; a slow server lets the run notice."""

        def strike() -> None:
            self.counts["cancelled"] += 1
            run.cancel()
            connection.close()

        self._after_some_requests(6, strike)
        with self._sample.stand_in.faults.on(Delay(0.2, on=(LIST,), times=12)):
            execute(run)

    def _after_some_requests(self, at_most: int, strike: Callable[[], None]) -> None:
        left = self._random.randint(1, at_most)

        def during(request: Request) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                strike()
            self._change(request)

        self._sample.during = during

    def _judge_stop(self, run: Run, seconds: float) -> None:
        self.slowest_stop = max(self.slowest_stop, seconds)
        if seconds > _STOPPED_WITHIN:
            self.verdict.find("broken", f"{run}: its worker took {seconds:.1f} s to end")
        left = Run.objects.get(pk=run.pk)
        if left.status == Run.Status.RUNNING:
            self.verdict.find("broken", f"{run} is still held by a worker that has ended")


class ResumePoint:
    """Where the next attempt of an interrupted run must continue: after the last page written (R4).

    Seen from the server: the first page of that attempt lies above the last id written.
    """

    def __init__(self, sample: SampleInstallation, run: Run) -> None:
        self._sample = sample
        self._run = Run.objects.get(pk=run.pk)
        # Published and then killed, there is nothing to go on after. What the row says of the part
        # file is not asked: that it is lost is one of the defects to be found.
        self._has_part = any(folder_for("runs").glob(f"run-{run.pk}-*.part"))
        sample.stand_in.requests.clear()

    @property
    def is_owed(self) -> bool:
        """Whether pages were written that the next attempt must not fetch again."""
        run = self._run
        waits = run.status == Run.Status.QUEUED and run.attempt > 1
        return waits and run.can_resume and run.page_count > 0 and self._has_part

    def judge(self, verdict: Verdict) -> None:
        """After the next attempt, which may have ended before it requested any page."""
        pages = [one for one in self._sample.stand_in.requests.lists if _is_page(one)]
        if not (self.is_owed and pages):
            return
        asked_above = max(map(int, re.findall(r"\bid > (\d+)", pages[0].query["conditions"])))
        last_id = self._run.last_id or 0
        if asked_above < last_id:
            verdict.find(
                "broken", f"{self._run} had written up to {last_id}, asked again from {asked_above}"
            )


def _is_page(request: Request) -> bool:
    return request.query.get("orderBy") == "id asc"


def _is_active(run: Run) -> bool:
    return Run.objects.active().filter(pk=run.pk).exists()


def _signal_later(process: Process, number: signal.Signals, seconds: float) -> None:
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)
