"""`python -m tests.torture`: the long torture. Prints one table of figures; 1 on any violation."""

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.torture import installation

_TASKS = [("modified", 25), ("modified", 100), ("new", 100), ("modified", 50), ("all", 200)]
# What disk_full returns without the right to mount.
_NOT_PERMITTED = 77


@dataclass
class Report:
    """The table as it grows, and how many promises were broken."""

    violation_count: int = 0
    findings: list[str] = field(default_factory=list)

    def line(self, name: str, figure: object) -> None:
        print(f"{name:<34} {figure}", flush=True)

    def blame(self, count: int, findings: list[str]) -> None:
        self.violation_count += count
        self.findings += findings


def main() -> int:
    """0 when every promise was kept."""
    options = _parser().parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cwexport-torture-"))
    installation.set_up(folder)
    # Runs fail on purpose here; each would say so on the terminal.
    logging.disable(logging.ERROR)
    report = Report()
    print(f"Seed {options.seed}; database, files and logs are in {folder}\n")
    for torture in (_histories, _kill_points, _random_kills, _freezes, _disk_full, _loads):
        began = time.monotonic()
        torture(options, folder, report)
        report.line("  seconds", f"{time.monotonic() - began:.0f}\n")
    report.line("violations in all", report.violation_count)
    for finding in report.findings[:50]:
        print(f"  {finding}")
    return 1 if report.violation_count else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.torture", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs of the random history")
    parser.add_argument("--batches", type=int, default=10_000, help="batches it begins with")
    parser.add_argument("--kills", type=int, default=200, help="random kills of a worker")
    parser.add_argument("--freezes", type=int, default=5, help="workers frozen past their lease")
    parser.add_argument("--points", default="all", help="kill points: all, or about how many")
    parser.add_argument("--seconds", type=int, default=60, help="of writers beside workers")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def _histories(options: argparse.Namespace, folder: Path, report: Report) -> None:
    if not options.runs:
        return
    from exports.demo.records import seed_batches
    from tests.torture.histories import open_history, play

    scene, history = open_history(
        options.seed, records=seed_batches(options.batches), tasks=_TASKS, log=folder / "runs.log"
    )
    # Every task gets a clean run at the end, which counts.
    tally = play(max(0, options.runs - len(_TASKS)), scene, history)
    verdict = tally.verdict
    report.line("history: runs", f"{tally.run_count} ({_listed(tally.statuses)})")
    report.line("  batches, versions", f"{options.batches}, {len(scene.journal.versions)}")
    report.line("  changes", _listed(tally.changes))
    report.line("  faults", _listed(tally.faults))
    report.line("  workers killed", tally.kill_count)
    for name in ("ok", "lost", "duplicated", "unexpected", "torn"):
        report.line(f"  {name}", getattr(verdict, name))
    report.line("  orphaned (set aside, no fault)", verdict.orphaned)
    report.blame(verdict.violation_count, verdict.findings)
    (folder / "story.txt").write_text("\n".join(tally.story))


def _kill_points(options: argparse.Namespace, folder: Path, report: Report) -> None:
    from tests.torture.kill_points import KillPoints, all_points, can_trace, some_points

    if not can_trace():
        report.line("kill points", "NOT RUN: strace is not there or may not trace processes")
        return

    def strike_all(kills: KillPoints) -> None:
        counts = kills.count_calls()
        everything = options.points == "all"
        points = all_points(counts) if everything else some_points(counts, int(options.points))
        for call, number in points:
            kills.strike(call, number)

    _strike("kill points", strike_all, folder, report)


def _random_kills(options: argparse.Namespace, folder: Path, report: Report) -> None:
    from tests.torture.kill_points import KillPoints

    random = Random(options.seed)

    def kill_all(kills: KillPoints) -> None:
        for _ in range(options.kills):
            kills.kill_at_random(random)

    _strike("random kills of a worker", kill_all, folder, report)


def _freezes(options: argparse.Namespace, folder: Path, report: Report) -> None:
    from tests.torture.kill_points import KillPoints

    def freeze_all(kills: KillPoints) -> None:
        for _ in range(options.freezes):
            kills.freeze()

    _strike("frozen past the lease", freeze_all, folder, report)


def _strike(name: str, strike: Callable[..., None], folder: Path, report: Report) -> None:
    from tests.torture.kill_points import KillPoints

    kills = KillPoints(folder / "processes.log")
    try:
        strike(kills)
    finally:
        kills.close()
    tally = kills.tally
    report.line(name, f"{tally.hit_count} ({_listed(tally.hit_counts)})")
    report.line("  not reached", tally.missed_count)
    report.line("  violations", tally.verdict.violation_count)
    report.blame(tally.verdict.violation_count, tally.verdict.findings)


def _disk_full(options: argparse.Namespace, folder: Path, report: Report) -> None:
    command = [sys.executable, "-m", "tests.torture.disk_full", str(folder / "disk")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == _NOT_PERMITTED:
        report.line("disk full, then space again", "NOT RUN: mounting a tmpfs needs root")
        return
    report.line("disk full, then space again", done.stdout.strip() or done.stderr[-300:])
    report.blame(int(done.returncode != 0), [] if done.returncode == 0 else ["disk full"])


def _loads(options: argparse.Namespace, folder: Path, report: Report) -> None:
    from tests.torture.loads import press_run_now_together, write_beside_workers

    outcomes = press_run_now_together(50)
    report.line("50 parallel Run now", _listed(outcomes))
    fair = {"queued": 1, "already running": 49, "runs": 1, "succeeded": 1}
    report.blame(int(outcomes != fair), [] if outcomes == fair else [f"Run now: {outcomes}"])
    load = write_beside_workers(options.seconds, folder / "load.log")
    report.line("2 workers + 20 writers", f"{options.seconds} s")
    report.line("  writes, runs", f"{load.written_count}, {load.run_count}")
    report.line("  locked", load.locked_count)
    report.line("  other errors", load.other_error_count)
    report.line("  slowest write", f"{load.slowest_seconds:.1f} s")
    bad = load.locked_count + load.other_error_count + load.violation_count
    report.blame(bad, [f"load: {load}"] if bad else [])


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


if __name__ == "__main__":
    sys.exit(main())
