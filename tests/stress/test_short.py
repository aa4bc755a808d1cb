"""The short stress for every test run; `make stress` is the long one."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from exports.demo.records import seed_batches
from tests.stress.checker import Verdict
from tests.stress.histories import simulate, start_history
from tests.stress.kill_points import KillPoints, can_trace, some_points
from tests.stress.loads import press_run_now_together
from tests.stress.web_kills import kill_web_servers

pytestmark = pytest.mark.django_db(transaction=True)

TASKS = [("modified", 25), ("new", 100), ("modified", 50), ("all", 100)]


@pytest.fixture
def kill_points(tmp_path: Path) -> Iterator[KillPoints]:
    made = KillPoints(tmp_path / "processes.log")
    yield made
    made.close()


def violations(verdict: Verdict) -> str:
    """The violations in full; empty when all is well."""
    return "\n".join(verdict.findings)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_history_loses_nothing_and_repeats_nothing(seed: int, tmp_path: Path) -> None:
    sample, history = start_history(
        seed, records=seed_batches(400), tasks=TASKS, log=tmp_path / "processes.log"
    )

    tally = simulate(20, sample, history, kill_share=0.1)

    assert violations(tally.verdict) == "", "\n".join(tally.events)
    assert tally.run_count == 20 + len(TASKS)
    assert tally.verdict.ok > 700


@pytest.mark.skipif(
    not can_trace(), reason="strace, with the right to trace, is needed: apt install strace"
)
def test_kills_inside_disk_calls_break_nothing(kill_points: KillPoints) -> None:
    for call, number in some_points(kill_points.count_calls(), 6):
        kill_points.strike(call, number)

    assert violations(kill_points.tally.verdict) == ""
    assert kill_points.tally.hit_count >= 5


def test_random_worker_kills_break_nothing(kill_points: KillPoints) -> None:
    for seed in range(3):
        kill_points.kill_at_random(Random(seed))

    assert violations(kill_points.tally.verdict) == ""


def test_worker_frozen_past_lease_publishes_nothing(
    kill_points: KillPoints,
) -> None:
    kill_points.freeze()

    assert violations(kill_points.tally.verdict) == ""


def test_fifty_parallel_clicks_give_one_run() -> None:
    assert press_run_now_together(50) == {
        "queued": 1,
        "already running": 49,
        "runs": 1,
        "succeeded": 1,
    }


def test_web_server_kills_leave_whole_runs(tmp_path: Path) -> None:
    tally = kill_web_servers(2, Random(1), tmp_path / "processes.log", client_count=2)

    assert violations(tally.verdict) == ""
    assert tally.answers["answered 302"] > 0
    assert tally.run_count > 0
