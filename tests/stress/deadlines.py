"""How soon a run or process ends on request, and how soon an interrupted run resumes.

Real workers, signals and waits: nothing is shortened here.
"""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from exports.demo.records import seed_batches
from exports.models import Run, Task, Worker
from tests.stress.checker import Verdict
from tests.stress.evidence import look_at_folders
from tests.stress.kill_points import wait_until
from tests.stress.sample_installation import (
    Process,
    SampleInstallation,
    end,
    finish,
    kill,
    queue,
    start_process,
    start_worker,
)
from tests.stress.situations import SITUATIONS, Situation

_LARGE = 40_000
_SMALL = 200


@dataclass
class Timing:
    """How long something took each time, in seconds, and what was wrong afterwards."""

    what: str
    goal: float
    seconds: list[float] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=0.0)

    @property
    def is_kept(self) -> bool:
        return bool(self.seconds) and self.slowest <= self.goal and not self.verdict.findings


def time_stops(repeat_count: int, random: Random, log: Path) -> Iterator[Timing]:
    """SIGTERM to a worker: until its process has ended and its run is queued again."""
    for situation in SITUATIONS:
        timing = Timing(f"SIGTERM {situation.name}", goal=10)
        with _prepare(situation) as (sample, task):
            for _ in range(repeat_count):
                _stop_once(sample, task, situation, timing, random, log)
            timing.verdict.add(sample.judge_all())
        yield timing
    idle = Timing("SIGTERM to a worker without work", goal=10)
    for _ in range(repeat_count):
        with _working(log) as worker:
            idle.seconds.append(_end(worker))
            _expect(idle, worker.returncode == 0, f"a worker ended with {worker.returncode}")
    yield idle


def time_serve(repeat_count: int, log: Path) -> Timing:
    """SIGTERM to `manage.py serve` during a run: until all its processes have ended."""
    timing = Timing("SIGTERM to serve, its web server and worker", goal=10)
    situation = SITUATIONS[0]
    with _prepare(situation) as (sample, task):
        for _ in range(repeat_count):
            port = free_port()
            serve = start_process("manage.py", "serve", "--port", str(port), log=log)
            try:
                wait_until(partial(is_listening, port), seconds=60)
                wait_until(Worker.objects.alive().exists, seconds=60)
                with situation.reached(sample, task) as run:
                    pids = list(Worker.objects.alive().values_list("process_id", flat=True))
                    timing.seconds.append(_end(serve))
                left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
                _expect(timing, not left and not is_listening(port), f"{left} outlived serve")
            finally:
                end(serve)
            finish(run)
        timing.verdict.add(sample.judge_all())
    return timing


def time_cancels(repeat_count: int, random: Random, log: Path) -> Iterator[Timing]:
    """*Cancel* of a run: until its status is cancelled, with no file left."""
    for situation in SITUATIONS:
        timing = Timing(f"cancel {situation.name}", goal=2)
        with _prepare(situation) as (sample, task):
            with _working(log):
                for _ in range(repeat_count):
                    with situation.reached(sample, task) as run:
                        time.sleep(random.uniform(0, 0.1 if situation.is_large else 1))
                        timing.seconds += _cancel(run)
                    _wait_for_the_end([run])
            # After the worker's end, as it would take the run as well.
            _clean(sample, task, timing.verdict)
            timing.verdict.add(look_at_folders(is_recovered=True))
        yield timing
    queued = Timing("cancel in the queue", goal=2)
    sample = SampleInstallation(seed_batches(_SMALL))
    for _ in range(repeat_count):
        queued.seconds += _cancel(queue(sample.add_task("all", 25)))
    sample.close()
    yield queued


def time_takeovers(round_count: int, run_count: int, random: Random, log: Path) -> Iterator[Timing]:
    """SIGKILL to all workers, then one new worker: until each run is resumed or closed."""
    resumed = Timing("SIGKILL, worker back: run resumed", goal=90)
    closed = Timing("SIGKILL, worker back: run closed", goal=90)
    sample = SampleInstallation(seed_batches(_SMALL), parallel_requests=1)
    tasks = [sample.add_task("all", 10) for _ in range(run_count)]
    Task.objects.filter(pk__in=[task.pk for task in tasks[::2]]).update(
        can_resume_from_failure=False
    )
    for _ in range(round_count):
        sample.stand_in.latency = 0.5
        runs = [queue(task) for task in tasks]
        _kill_all_at_work(runs, random, log)
        sample.stand_in.latency = 0
        with _working(log):
            for run, seconds in _until_decided(runs).items():
                timing = resumed if run.can_resume else closed
                timing.seconds.append(seconds)
            _wait_for_the_end(runs)
        for run in Run.objects.filter(pk__in=[run.pk for run in runs]):
            expected = "succeeded" if run.can_resume else "failed"
            _expect(resumed if run.can_resume else closed, run.status == expected, f"{run.error}")
    for task in tasks:
        _clean(sample, task, resumed.verdict)
    resumed.verdict.add(sample.judge_all())
    sample.close()
    yield resumed
    yield closed


@contextmanager
def _prepare(situation: Situation) -> Iterator[tuple[SampleInstallation, Task]]:
    """As many batches as the situation needs, and a task that exports all of them."""
    sample = SampleInstallation(seed_batches(_LARGE if situation.is_large else _SMALL))
    try:
        yield sample, sample.add_task("all", 1000 if situation.is_large else 25)
    finally:
        sample.close()


@contextmanager
def _working(log: Path) -> Iterator[Process]:
    """A real worker after its first heartbeat."""
    worker = start_worker(log=log)
    try:
        wait_until(lambda: Worker.objects.filter(process_id=worker.pid).exists(), seconds=60)
        yield worker
    finally:
        kill(worker)
        Worker.objects.filter(process_id=worker.pid).delete()


def _stop_once(
    sample: SampleInstallation,
    task: Task,
    situation: Situation,
    timing: Timing,
    random: Random,
    log: Path,
) -> None:
    with _working(log) as worker:
        with situation.reached(sample, task) as run:
            time.sleep(random.uniform(0, 0.1 if situation.is_large else 1))
            timing.seconds.append(_end(worker))
        left = Run.objects.get(pk=run.pk)
        is_back = left.status == Run.Status.QUEUED and left.attempt == run.attempt + 1
        _expect(timing, is_back or not left.is_active, f"{run} is {left.status}")
        _expect(timing, worker.returncode == 0, f"a worker ended with {worker.returncode}")
    done = finish(run)
    _expect(timing, done.status == "succeeded", f"{done} {done.status}: {done.error}")


def _end(process: Process) -> float:
    """SIGTERM; returns how many seconds the process took to end."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    return time.monotonic() - began


def _cancel(run: Run) -> list[float]:
    """Seconds until the run is cancelled; None when it ended before."""
    began = time.monotonic()
    if not run.cancel():
        return []
    wait_until(lambda: not Run.objects.active().filter(pk=run.pk).exists(), seconds=60)
    seconds = time.monotonic() - began
    return [seconds] if Run.objects.get(pk=run.pk).status == Run.Status.CANCELLED else []


def _clean(sample: SampleInstallation, task: Task, verdict: Verdict) -> None:
    """One more run of the task, which must be complete."""
    run = finish(queue(task))
    if run.status != "succeeded":
        verdict.find("lost", f"the clean {run} {run.status}: {run.error}")
    verdict.add(sample.judge_task(task))


def _kill_all_at_work(runs: list[Run], random: Random, log: Path) -> None:
    """As many workers as runs, killed at random moments after each run's first page."""
    workers = [start_worker(log=log) for _ in runs]
    numbers = [run.pk for run in runs]
    try:
        wait_until(
            lambda: (
                Run.objects.running().filter(pk__in=numbers, page_count__gt=0).count() == len(runs)
            ),
            seconds=60,
        )
        for worker in workers:
            time.sleep(random.uniform(0, 0.5))
            kill(worker)
    finally:
        for worker in workers:
            kill(worker)


def _until_decided(runs: list[Run]) -> dict[Run, float]:
    """For each run, seconds until it was resumed or closed."""
    began = time.monotonic()
    waiting, took = {run.pk: run for run in runs}, {}
    while waiting:
        if time.monotonic() - began > 200:
            raise TimeoutError("An interrupted run was neither resumed nor closed.")
        held = Run.objects.running().filter(pk__in=waiting, attempt=1)
        left = set(held.values_list("pk", flat=True))
        for number in [number for number in waiting if number not in left]:
            took[waiting.pop(number)] = time.monotonic() - began
        time.sleep(0.05)
    return took


def _wait_for_the_end(runs: list[Run]) -> None:
    numbers = [run.pk for run in runs]
    wait_until(lambda: not Run.objects.active().filter(pk__in=numbers).exists(), seconds=90)


def _expect(timing: Timing, is_so: bool, otherwise: str) -> None:
    if not is_so:
        timing.verdict.find("broken", f"{timing.what}: {otherwise}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
