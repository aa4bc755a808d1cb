"""Crashes: SIGKILL at every disk operation of an export, and others.

strace kills the process inside the N-th call of one kind, before the call is done. The process runs
the worker's own function for one queued run; then recovery, a clean run, and the checker.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from django.conf import settings

from exports.demo.records import seed_batches
from exports.models import Run, Task
from tests.stress.checker import Verdict
from tests.stress.evidence import look_at_folders
from tests.stress.sample_installation import (
    SampleInstallation,
    export_in_a_process,
    finish,
    kill,
    queue,
    recover,
    run_cleanly,
    start_process,
)

# Every occurrence of these, and every tenth of the writes, of which a run has hundreds.
RARE_CALLS = ("rename", "renameat", "renameat2", "fsync", "fdatasync", "unlink", "unlinkat")
WRITES = ("write", "pwrite64")
_WRITE_STEP = 10


@dataclass
class KillTally:
    """How many kills of each kind happened, and the checker's verdict on all of them."""

    hit_counts: dict[str, int] = field(default_factory=dict)
    missed_count: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def hit_count(self) -> int:
        return sum(self.hit_counts.values())


def can_trace() -> bool:
    """Whether strace exists and may trace processes."""
    if not shutil.which("strace"):
        return False
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def most_calls(trace: Path, calls: Sequence[str]) -> dict[str, int]:
    """How often each call was made in the thread that made most, as strace counts by threads."""
    text = trace.read_text(errors="replace")
    calls_by_thread = Counter(re.findall(r"^(\d+) +(\w+)\(", text, re.MULTILINE))
    counts = dict.fromkeys(calls, 0)
    for (_thread, name), count in calls_by_thread.items():
        counts[name] = max(counts.get(name, 0), count)
    return counts


def killed_in(call: str, number: int) -> list[str]:
    """The beginning of a command that is killed in its `number`-th such call, before it is done."""
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]


def all_points(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """(call, which one of them): every rare call, and every tenth write."""
    return [
        (call, number)
        for call, count in counts.items()
        for number in range(1, count + 1, _WRITE_STEP if call in WRITES else 1)
    ]


def some_points(counts: Mapping[str, int], wanted_count: int) -> list[tuple[str, int]]:
    """About this many of them: every rename, as these publish, and others evenly spread."""
    renames = [point for point in all_points(counts) if point[0].startswith("rename")]
    others = [point for point in all_points(counts) if not point[0].startswith("rename")]
    step = max(1, len(others) // max(1, wanted_count - len(renames)))
    return renames + others[step - 1 :: step]


class KillPoints:
    """One sample with `batch_count` batches; every kill hits a run of its own task."""

    def __init__(self, log: Path, *, batch_count: int = 100) -> None:
        self.tally = KillTally()
        self._log = log
        self._sample = SampleInstallation(seed_batches(batch_count), parallel_requests=2)

    def close(self) -> None:
        self._sample.close()

    def count_calls(self) -> dict[str, int]:
        """How often an undisturbed export makes each of the calls."""
        # Only the first export of an installation creates folders.
        run_cleanly(self._sample.add_task("modified", 25))
        trace = self._log.with_suffix(".strace")
        calls = ",".join((*RARE_CALLS, *WRITES))
        task = self._sample.add_task("modified", 25)
        run = queue(task)
        export_in_a_process(
            run, log=self._log, before=["strace", "-f", "-o", str(trace), "-e", f"trace={calls}"]
        ).wait(timeout=120)
        return most_calls(trace, (*RARE_CALLS, *WRITES))

    def strike(self, call: str, number: int) -> None:
        """Kill an export in its `number`-th such call, recover, export cleanly, judge."""
        task = self._sample.add_task("modified", 25)
        run = queue(task)
        process = export_in_a_process(run, log=self._log, before=killed_in(call, number))
        process.wait(timeout=120)
        if process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
            self.tally.hit_counts[call] = self.tally.hit_counts.get(call, 0) + 1
        else:
            self.tally.missed_count += 1
        self._judge(task, run, f"{call} {number}")

    def kill_at_random(self, random: Random) -> None:
        """Kill a real worker at some moment of its run, start another one, judge."""
        task = self._sample.add_task("modified", 25)
        self._sample.stand_in.latency = 0.02
        run = queue(task)
        worker = start_process("manage.py", "worker", log=self._log)
        try:
            wait_until(lambda: _status(run) != "queued", seconds=30)
            time.sleep(random.uniform(0, 0.6))
        finally:
            kill(worker)
        moment = "within a run" if _status(run) == "running" else "before or after it"
        self.tally.hit_counts[moment] = self.tally.hit_counts.get(moment, 0) + 1
        self._sample.stand_in.latency = 0
        self._judge(task, run, "random kill")

    def freeze(self) -> None:
        """SIGSTOP a worker's export until another one took the run over, then SIGCONT."""
        task = self._sample.add_task("modified", 25)
        run = queue(task)
        self._sample.stand_in.latency = 0.3
        frozen = export_in_a_process(run, log=self._log)
        try:
            wait_until(lambda: Run.objects.get(pk=run.pk).page_count > 0, seconds=30)
            os.killpg(frozen.pid, signal.SIGSTOP)
            # A process frozen during a request would keep the server waiting.
            self._sample.stand_in.latency = 0
            taken_over = recover(run)
            assert taken_over.attempt == run.attempt + 1 or not taken_over.is_active
            finish(run)
            before = _published()
            os.killpg(frozen.pid, signal.SIGCONT)
            frozen.wait(timeout=60)
            if _published() != before:
                self.tally.verdict.find("duplicated", "a frozen worker published after all")
        finally:
            kill(frozen)
        self.tally.hit_counts["frozen"] = self.tally.hit_counts.get("frozen", 0) + 1
        self._judge(task, run, "freeze")

    def _judge(self, task: Task, run: Run, what: str) -> None:
        verdict = look_at_folders(is_recovered=False)
        run = finish(run)
        verdict.add(look_at_folders(is_recovered=True))
        verdict.add(self._after(task, run))
        clean = run_cleanly(task)
        if clean.status != "succeeded":
            verdict.find("lost", f"the clean {clean} {clean.status}: {clean.error}")
        verdict.add(self._sample.judge_task(task))
        verdict.findings = [f"{what}: {finding}" for finding in verdict.findings]
        self.tally.verdict.add(verdict)

    def _after(self, task: Task, run: Run) -> Verdict:
        """The dates must have moved if and only if the run has succeeded."""
        verdict = Verdict()
        task.refresh_from_db()
        succeeded = run.status == "succeeded"
        if (task.date_modified != run.date_modified_before) != succeeded:
            verdict.find("lost", f"{run} {run.status}, its date is {task.date_modified}")
        return verdict


def _published() -> list[str]:
    folder = Path(settings.CWEXPORT_DATA_DIR)
    return sorted(str(path) for name in ("runs", "exports") for path in (folder / name).iterdir())


def _status(run: Run) -> str:
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


def wait_until(is_so: Callable[[], bool], *, seconds: float, every: float = 0.005) -> None:
    """Check `every` so many seconds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("It did not happen in time.")
        time.sleep(every)
