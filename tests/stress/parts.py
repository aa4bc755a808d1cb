"""The parts of the long stress; each adds its figures to the report.

Imported after Django is set up. The sizes come from the command line, see `__main__.py`.
"""

import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from random import Random

from exports.demo.records import seed_batches
from tests.delivery.places import PLACES
from tests.stress.checker import VIOLATIONS, Verdict
from tests.stress.deadlines import (
    Timing,
    time_cancels,
    time_serve,
    time_stops,
    time_takeovers,
)
from tests.stress.delivery_kills import delivery_kills, points_of
from tests.stress.disk_full import NOT_PERMITTED
from tests.stress.fuzzed_requests import send_random_requests
from tests.stress.histories import simulate, start_history
from tests.stress.hosts import HostsHistory
from tests.stress.kill_points import KillPoints, all_points, can_trace, some_points
from tests.stress.loads import press_run_now_together, write_beside_workers
from tests.stress.planned_year import play_year
from tests.stress.report import Report, listed
from tests.stress.shared_servers import SharedServers
from tests.stress.web_kills import kill_web_servers

_TASKS = [("modified", 25), ("modified", 100), ("new", 100), ("modified", 50), ("all", 200)]
_PRESSES = 50


def simulate_histories(options: Namespace, folder: Path, report: Report) -> None:
    """Random changes, decisions, faults and interruptions; every version of a batch judged."""
    for seed in range(options.seed, options.seed + options.histories):
        log = folder / "histories.log"
        sample, history = start_history(
            seed, records=seed_batches(options.batches), tasks=_TASKS, log=log
        )
        # Every task gets a clean run at the end, which counts as a run.
        tally = simulate(max(0, options.runs - len(_TASKS)), sample, history)
        (folder / f"events-{seed}.txt").write_text("\n".join(tally.events))
        name, verdict = f"history {seed}", tally.verdict
        report.notify(f"{name}: runs", tally.run_count, listed(tally.statuses))
        versions = f"{options.batches} at first, {len(sample.journal.versions)} versions in the end"
        report.notify(f"{name}: batches", versions, f"{verdict.ok} rows in files ok")
        report.notify(f"{name}: changes", tally.changes.total(), listed(tally.changes))
        report.notify(f"{name}: decisions", tally.decisions.total(), listed(tally.decisions))
        report.notify(f"{name}: faults", tally.faults.total(), listed(tally.faults))
        report.notify(
            f"{name}: interruptions", tally.interruptions.total(), listed(tally.interruptions)
        )
        report.notify(f"{name}: housekeeping", tally.pruning["rounds"], listed(tally.pruning))
        report.notify(f"{name}: resumed", tally.resumed_count)
        report.notify(f"{name}: orphaned, set aside", verdict.orphaned)
        for kind in VIOLATIONS:
            count = getattr(verdict, kind)
            report.add(f"{name}: {kind}", f"{tally.run_count} runs", "0", count, count == 0)
        report.blame(verdict.findings)


def strike_kill_points(options: Namespace, folder: Path, report: Report) -> None:
    """SIGKILL inside every call that touches the disk, by strace's injection."""
    if not can_trace():
        report.skip("kill points", "strace is not there, or may not trace")
        return

    def strike_all(kills: KillPoints) -> None:
        counts = kills.count_calls()
        everything = options.points == "all"
        points = all_points(counts) if everything else some_points(counts, int(options.points))
        for call, number in points:
            kills.strike(call, number)

    _strike("kill inside a call", strike_all, folder, report)


def strike_deliveries(options: Namespace, folder: Path, report: Report) -> None:
    """SIGKILL inside calls of a process that delivers, for each kind on another machine."""
    if not can_trace():
        report.skip("kills of deliveries", "strace is not there, or may not trace")
        return
    for kind in PLACES:
        with delivery_kills(kind, folder / f"{kind}.log") as kills:
            points = points_of(kills.count_calls())
            wanted = len(points) if options.points == "all" else int(options.points)
            for call, number in points[:: max(1, len(points) // wanted)]:
                kills.strike(call, number)
        tally = kills.tally
        name, times = f"delivery killed, {kind}", f"{tally.hit_count} kills"
        report.notify(f"{name}: kills", tally.hit_count, listed(tally.hit_counts))
        violations = tally.verdict.violation_count
        report.add(f"{name}: half, left or lost", times, "0", violations, violations == 0)
        report.blame(tally.verdict.findings)


def kill_at_random(options: Namespace, folder: Path, report: Report) -> None:
    """SIGKILL to a real worker at random moments of a run."""
    random = Random(options.seed)

    def kill_all(kills: KillPoints) -> None:
        for _ in range(options.kills):
            kills.kill_at_random(random)

    _strike("random kill of a worker", kill_all, folder, report)


def freeze_workers(options: Namespace, folder: Path, report: Report) -> None:
    """SIGSTOP past the lease, SIGCONT when another worker has finished the run."""

    def freeze_all(kills: KillPoints) -> None:
        for _ in range(options.freezes):
            kills.freeze()

    _strike("worker frozen past its lease", freeze_all, folder, report)


def fill_the_disk(options: Namespace, folder: Path, report: Report) -> None:
    """A small disk that fills up during a run, then gets space again; no restart."""
    command = [sys.executable, "-m", "tests.stress.disk_full", str(folder / "disk")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == NOT_PERMITTED:
        report.skip("disk full, then space again", "mounting a tmpfs needs root")
        return
    is_kept = done.returncode == 0
    report.add("disk full, then space again", 1, "failed, then succeeded", "", is_kept)
    report.blame([] if is_kept else [done.stdout.strip() or done.stderr[-300:]])


def press_run_now(options: Namespace, folder: Path, report: Report) -> None:
    """Many people press *Run now* for one task at the same moment."""
    outcomes = press_run_now_together(_PRESSES)
    fair = {"queued": 1, "already running": _PRESSES - 1, "runs": 1, "succeeded": 1}
    report.add("parallel Run now", _PRESSES, "1 run, 0 errors", listed(outcomes), outcomes == fair)


def write_beside(options: Namespace, folder: Path, report: Report) -> None:
    """Two workers and twenty writers on one database."""
    load = write_beside_workers(options.seconds, folder / "load.log")
    times = f"{options.seconds} s, {load.written_count} writes, {load.run_count} runs"
    name = "2 workers + 20 writers"
    report.add(f"{name}: locked", times, "0", load.locked_count, load.locked_count == 0)
    others = load.other_error_count + load.violation_count
    report.add(f"{name}: other errors", times, "0", others, others == 0)
    report.notify(f"{name}: slowest write", times, f"{load.slowest_seconds:.1f} s")


def kill_the_web_server(options: Namespace, folder: Path, report: Report) -> None:
    """SIGKILL to the web server of `serve` while eight clients press *Run now*."""
    tally = kill_web_servers(options.web_kills, Random(options.seed), folder / "web.log")
    name, times = "web server killed", f"{tally.kill_count} kills"
    report.notify(f"{name}: Run now", tally.answers.total(), listed(tally.answers))
    report.notify(f"{name}: runs queued", tally.run_count)
    report.notify(f"{name}: queued, not handed over", tally.rescued_count, "found by the recovery")
    violations = tally.verdict.violation_count
    report.add(f"{name}: half or lost runs", times, "0", violations, violations == 0)
    wait = tally.longest_wait
    report.add(f"{name}: last run over", times, "<= 90 s", f"{wait:.1f} s", wait <= 90)
    report.blame(tally.verdict.findings)


def stop_workers(options: Namespace, folder: Path, report: Report) -> None:
    """SIGTERM to workers and to `serve`, in every situation of a run, until they have ended."""
    random, log = Random(options.seed), folder / "stops.log"
    for timing in time_stops(options.repeats, random, log):
        _add_timing(timing, report)
    _add_timing(time_serve(options.repeats, log), report)


def cancel_runs(options: Namespace, folder: Path, report: Report) -> None:
    """Cancel in every situation of a run, until its status is cancelled."""
    for timing in time_cancels(options.repeats, Random(options.seed), folder / "cancels.log"):
        _add_timing(timing, report)


def take_runs_over(options: Namespace, folder: Path, report: Report) -> None:
    """SIGKILL to all workers, then a new one: until interrupted runs are resumed or closed."""
    random, log = Random(options.seed), folder / "takeovers.log"
    for timing in time_takeovers(options.takeovers, 4, random, log):
        _add_timing(timing, report)


def simulate_schedules(options: Namespace, folder: Path, report: Report) -> None:
    """A year of schedules; every due time held against another computation of it."""
    seen = play_year(options.schedules, Random(options.seed))
    name = f"a year of {options.schedules} schedules"
    report.notify(f"{name}: ticks", seen.year.tick_count, f"{len(seen.year.away)} times away")
    report.notify(f"{name}: workers that died within a tick", seen.year.death_count)
    report.notify(f"{name}: due times", seen.due_count, listed(seen.states))
    count = len(seen.faults)
    report.add(f"{name}: lost, doubled or wrong", seen.due_count, "0", count, count == 0)
    report.blame(seen.faults)


def fuzz_requests(options: Namespace, folder: Path, report: Report) -> None:
    """Random requests to every address: no error of the server, the same headers always."""
    statuses, faults = send_random_requests(options.requests, options.seed)
    report.notify("random requests", statuses.total(), listed(statuses))
    report.add("random requests: faults", statuses.total(), "0", len(faults), not faults)
    report.blame(faults)


def strike_hosts(options: Namespace, folder: Path, report: Report) -> None:
    """Two hosts on one database, of which workers or the whole are killed, stopped or cut off."""
    if not options.database:
        # SQLite is for one host: stopped within a transaction, it stops all.
        report.skip("two hosts", "needs --database postgres://… with an empty database")
        return
    place = folder / "hosts"
    place.mkdir()
    servers = SharedServers(place, without=options.without)
    try:
        history = HostsHistory(options.seed, place, servers, batch_count=min(options.batches, 1000))
        tally = history.simulate(options.host_runs, options.host_runs // 4)
    finally:
        servers.close()
    if servers.refusal:
        report.notify("two hosts: stopped, not cut off", "no namespace", servers.refusal)
    report.notify(f"two hosts ({servers.name}): runs", tally.run_count, listed(tally.statuses))
    report.notify("two hosts: strikes", tally.strikes.total(), listed(tally.strikes))
    report.notify("two hosts: runs held by struck hosts", tally.held_count)
    report.notify("two hosts: runs taken over", tally.taken_over_count)
    report.notify("two hosts: orphaned, set aside", tally.verdict.orphaned)
    for kind in VIOLATIONS:
        count = getattr(tally.verdict, kind)
        report.add(f"two hosts: {kind}", f"{tally.run_count} runs", "0", count, count == 0)
    report.blame(tally.verdict.findings)


PARTS: dict[str, Callable[[Namespace, Path, Report], None]] = {
    "histories": simulate_histories,
    "kill-points": strike_kill_points,
    "deliveries": strike_deliveries,
    "kills": kill_at_random,
    "freezes": freeze_workers,
    "disk": fill_the_disk,
    "run-now": press_run_now,
    "load": write_beside,
    "web-kills": kill_the_web_server,
    "stops": stop_workers,
    "cancels": cancel_runs,
    "takeovers": take_runs_over,
    "schedules": simulate_schedules,
    "requests": fuzz_requests,
    "hosts": strike_hosts,
}


def _strike(name: str, strike: Callable[[KillPoints], None], folder: Path, report: Report) -> None:
    kills = KillPoints(folder / "processes.log")
    try:
        strike(kills)
    finally:
        kills.close()
    tally, verdict = kills.tally, kills.tally.verdict
    struck = tally.hit_count
    report.notify(name, struck, listed(tally.hit_counts))
    if tally.missed_count:
        report.notify(f"{name}: not reached", tally.missed_count)
    _add_verdict(name, struck, verdict, report)


def _add_verdict(name: str, times: int, verdict: Verdict, report: Report) -> None:
    violations = verdict.violation_count
    # A part without a single kill or fault proves nothing.
    report.add(f"{name}: violations", times, "0", violations, violations == 0 and times > 0)
    report.blame(verdict.findings)


def _add_timing(timing: Timing, report: Report) -> None:
    report.add(
        timing.what,
        len(timing.seconds),
        f"<= {timing.goal:.0f} s",
        f"{timing.slowest:.1f} s at most",
        timing.is_kept,
    )
    report.blame(timing.verdict.findings)
