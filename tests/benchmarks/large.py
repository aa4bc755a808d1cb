"""A large installation beside a small one: what a run, a page and the recovery cost in each."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.processes import Installation, Server, measure, serving

SMALL = {"--runs": 100, "--entries": 1_000, "--tasks": 20}
LARGE = {"--runs": 100_000, "--entries": 2_000_000, "--tasks": 10_000}
ROUNDS = 5
MAX_TIMES = 1.5
BATCHES, CHANGED, SPREAD = 1_000, 100, 1_000
# A ratio of less than this tells more about the clock than about the query.
_MILLISECONDS_SEEN = 2.0
HEADING = ("large installation ÷ small", "queries", "small", "large", "ratio", "")

Measured = dict[str, Any]


def lines(installation: Installation) -> list[tuple[str, ...]]:
    """The table, its heading first: name, queries, figures, ratio, verdict."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(BATCHES, "--spread", str(SPREAD)))
        folders = [stack.enter_context(installation.copy()) for _ in (SMALL, LARGE)]
        for folder, size in zip(folders, (SMALL, LARGE), strict=True):
            _build(installation, folder, server, size)
        rounds = [
            [_measured(installation, folder, server) for folder in folders] for _ in range(ROUNDS)
        ]
    small, large = zip(*rounds, strict=True)
    return [HEADING, *_lines(small, large)]


def _build(installation: Installation, folder: Path, server: Server, size: dict[str, int]) -> None:
    highest_id = server.order(f"pages {BATCHES}")[-1]
    about = {**size, "--site": server.url, "--batches": BATCHES, "--highest-id": highest_id}
    options = [str(part) for pair in about.items() for part in pair]
    measure("large_steps", "build", *options, environment=installation.environment(folder))


def _measured(installation: Installation, folder: Path, server: Server) -> dict[str, Measured]:
    """One round in one installation, each part of it in a process of its own."""
    environment = installation.environment(folder)
    server.order(f"touch {CHANGED}")
    return {
        step: measure("large_steps", step, environment=environment)
        for step in ("run", "pages", "home")
    }


def _lines(
    small: tuple[dict[str, Measured], ...], large: tuple[dict[str, Measured], ...]
) -> Iterator[tuple[str, ...]]:
    for step in small[0]:
        for name in small[0][step]:
            pair = [[taken[step][name] for taken in rounds] for rounds in (small, large)]
            if name == "memory":
                yield _memory(f"  memory of the process: {step}", *pair)
            else:
                yield _time(name, *pair)


def _time(name: str, small: list[Measured], large: list[Measured]) -> tuple[str, ...]:
    before, after = (median(taken["ms"] for taken in rounds) for rounds in (small, large))
    queries = [median(taken["queries"] for taken in rounds) for rounds in (small, large)]
    is_slower = after > MAX_TIMES * before and after - before > _MILLISECONDS_SEEN
    return (
        name,
        " / ".join(f"{count:.0f}" for count in queries),
        f"{before:.1f} ms",
        f"{after:.1f} ms",
        f"{after / before:.2f} x",
        _verdict(is_slower),
    )


def _memory(name: str, small: list[float], large: list[float]) -> tuple[str, ...]:
    before, after = median(small), median(large)
    ratio = after / before
    verdict = _verdict(ratio > MAX_TIMES)
    return (name, "", f"{before:.0f} MB", f"{after:.0f} MB", f"{ratio:.2f} x", verdict)


def _verdict(is_missed: bool) -> str:
    return "MISSED" if is_missed else "reached"
