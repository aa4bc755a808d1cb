"""Seeded random histories of people, networks, power cuts and housekeeping, also during runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from exports.demo.answers import BATCHES, Request
from exports.demo.rows import Record
from exports.demo.switches import Fault
from exports.models import Run
from tests.stress.changes import Changes
from tests.stress.checker import Verdict
from tests.stress.fault_menu import FAULTS
from tests.stress.interruptions import Interruptions, ResumePoint
from tests.stress.pace import Clock, quick_retries
from tests.stress.people import People
from tests.stress.pruning import Pruning
from tests.stress.sample_installation import (
    FILTERS,
    SampleInstallation,
    execute,
    finish,
    recover,
    run_cleanly,
)


@dataclass
class Tally:
    """The contents of a history. `slowest_stop`: seconds from SIGTERM to the worker's end."""

    run_count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    interruptions: Counter[str] = field(default_factory=Counter)
    pruning: Counter[str] = field(default_factory=Counter)
    resumed_count: int = 0
    slowest_stop: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    events: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


class History:
    """Rounds of changes, decisions, faults and interruptions over the tasks of a sample."""

    def __init__(self, sample: SampleInstallation, seed: int, log: Path) -> None:
        self.tally = Tally()
        self.clock = Clock()
        self._sample = sample
        self._random = Random(seed)
        self._changes = Changes(sample, Random(seed + 1))
        self._people = People(sample, Random(seed + 2))
        self._pruning = Pruning(sample, Random(seed + 3))
        self._interruptions = Interruptions(
            sample, self._random, clock=self.clock, log=log, change=self._change_now_and_then
        )

    def simulate(self, run_count: int, *, kill_share: float = 0.25) -> Tally:
        """This many runs, then a clean one of every task, then the checker's verdict.

        `kill_share`: how many of the runs are executed in a process that is killed, or in a worker
        that gets SIGTERM; half of them each.
        """
        try:
            with quick_retries():
                for _ in range(run_count):
                    self._play_round(kill_share)
                self._end_cleanly()
        finally:
            self._sample.during = None
            self.clock.stop()
        tally, interruptions = self.tally, self._interruptions
        tally.changes, tally.decisions = self._changes.counts, self._people.counts
        tally.interruptions, tally.pruning = interruptions.counts, self._pruning.counts
        tally.slowest_stop = interruptions.slowest_stop
        tally.verdict.add(interruptions.verdict)
        tally.verdict.add(self._pruning.verdict)
        tally.verdict.add(self._sample.judge_all())
        return tally

    def _play_round(self, kill_share: float) -> None:
        self._let_time_pass()
        if self._random.random() < 0.15:
            self._pruning.prune()
        self._changes.make(self._random.choice((0, 1, 5, 40, 120)))
        task = self._random.choice(self._sample.tasks)
        self._people.act(task)
        run = self._people.queue(task)
        faults = self._switch_faults_on()
        self._execute(run, kill_share)
        self._sample.during = self._change_now_and_then
        if self._random.random() < 0.5:
            self._switch_off(faults)
        run = self._finish(run)
        self._switch_off(faults)
        self._sample.during = None
        self._count(run, faults)

    def _execute(self, run: Run, kill_share: float) -> None:
        dice = self._random.random()
        if dice < kill_share / 2:
            self._interruptions.kill(run)
        elif dice < kill_share:
            self._interruptions.stop(run)
        elif dice < kill_share + 0.05:
            self._interruptions.cancel(run)
        else:
            self._sample.during = self._change_now_and_then
            execute(run)

    def _finish(self, run: Run) -> Run:
        """Finish the run, and check that an interrupted one resumes in the right place."""
        run = recover(run)
        point = ResumePoint(self._sample, run)
        run = finish(run)
        point.judge(self.tally.verdict)
        self.tally.resumed_count += point.is_owed
        return run

    def _count(self, run: Run, faults: Sequence[Fault] = ()) -> None:
        self.tally.run_count += 1
        self.tally.statuses["suspicious" if run.suspicion else run.status] += 1
        params: tuple[str, ...] = (
            "export",
            "trigger",
            "attempt",
            "page_size",
            "parallel_requests",
            "date_created_before",
            "date_modified_before",
            "connectwise_started_at",
            "modified_after",
            "start_id",
        )
        params += ("unfiltered_count", "expected_count", "fetched_count", "proven_count")
        params += ("batch_count", "repeated_count", "conditions", "suspicion", "error")
        facts = ", ".join(f"{name} {getattr(run, name)!s:.90}" for name in params)
        self.tally.events.append(
            f"{run} {run.status}: started {run.started_at}, {facts}, skew {self._changes.skew}, "
            f"faults {list(faults)}"
        )

    def _let_time_pass(self) -> None:
        minutes = self._random.choice((0, 0, 1, 5, 20, 180))
        if minutes >= 5 or self._random.random() < 0.5:
            self._changes.commit_all()
        self.clock.skip(timedelta(minutes=minutes, seconds=self._random.random()))
        if self._changes.skew is None or self._random.random() < 0.08:
            self._changes.set_clock(self._random.uniform(-600, 600))

    def _end_cleanly(self) -> None:
        self._changes.commit_all()
        # What the ledger had lost would come once more in the clean runs.
        self._pruning.prune_to_the_end()
        for task in self._sample.tasks:
            self.clock.skip(timedelta(minutes=30))
            self._people.accept_count(task)
            run = run_cleanly(task)
            self._count(run)
            if run.status != "succeeded":
                self.tally.verdict.find("lost", f"the clean {run} {run.status}: {run.error}")

    def _change_now_and_then(self, request: Request) -> None:
        if request.endpoint in BATCHES and self._random.random() < 0.3:
            self._changes.make(self._random.randint(1, 5))
            if self._random.random() < 0.02:
                self._pruning.prune_meanwhile()

    def _switch_faults_on(self) -> list[Fault]:
        if self._random.random() < 0.4:
            return []
        fault = self._random.choice(FAULTS)(self._random)
        self.tally.faults[type(fault).__name__] += 1
        return [self._sample.stand_in.faults.add(fault)]

    def _switch_off(self, faults: list[Fault]) -> None:
        for fault in faults:
            self._sample.stand_in.faults.remove(fault)


def start_history(
    seed: int, *, records: list[Record], tasks: list[tuple[str, int]], log: Path
) -> tuple[SampleInstallation, History]:
    """A sample with tasks of the given mode and page size, and a history to simulate on it."""
    sample = SampleInstallation(records, parallel_requests=1 + seed % 8)
    for number, (export, page_size) in enumerate(tasks):
        sample.add_task(export, page_size, FILTERS[number % len(FILTERS)])
    return sample, History(sample, seed, log)


def simulate(
    run_count: int, sample: SampleInstallation, history: History, *, kill_share: float = 0.25
) -> Tally:
    """Simulate the history and close its sample, whatever happens."""
    try:
        return history.simulate(run_count, kill_share=kill_share)
    finally:
        sample.close()
