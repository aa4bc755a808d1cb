"""Few and many tasks side by side: what pages cost, and what an idle page asks in a minute."""

from statistics import median
from typing import Any

from tests.benchmarks.page_times import MAX_KB, MAX_QUERIES, MAX_TIMES
from tests.benchmarks.processes import Installation, measure

FEW = {"--tasks": 6, "--connections": 2, "--runs": 600}
MANY = {"--tasks": 1_000, "--connections": 200, "--runs": 100_000}
ROUNDS = 3
# A ratio of less than this tells more about the clock than about the page.
_MILLISECONDS_SEEN = 2.0
HEADING = ("", "queries", "6 tasks", "1,000 tasks", "ratio", "first load", "")

Measured = dict[str, Any]


def lines(installation: Installation) -> list[tuple[str, ...]]:
    """The table with its heading: name, queries, times, ratio, first load, verdict."""
    with installation.copy() as few_folder, installation.copy() as many_folder:
        environments = [installation.environment(folder) for folder in (few_folder, many_folder)]
        for environment, size in zip(environments, (FEW, MANY), strict=True):
            options = [str(part) for pair in size.items() for part in pair]
            measure("many_tasks", "build", *options, environment=environment)
        # In turns, so that whatever else the machine does meanwhile slows both.
        rounds = [
            [
                measure("many_tasks", "pages", environment=environment)
                for environment in environments
            ]
            for _ in range(ROUNDS)
        ]
    few, many = (_medians(measured) for measured in zip(*rounds, strict=True))
    pages = [_line(name, few["pages"][name], page) for name, page in many["pages"].items()]
    return [HEADING, *pages, _idle(many["idle"])]


def _medians(rounds: tuple[Measured, ...]) -> Measured:
    """The last round, with the median time of each page."""
    last = rounds[-1]
    for name, page in last["pages"].items():
        page["ms"] = median(taken["pages"][name]["ms"] for taken in rounds)
    return last


def _line(name: str, few: Measured, many: Measured) -> tuple[str, ...]:
    ratio = many["ms"] / few["ms"]
    missed = {
        "queries": many["queries"] > MAX_QUERIES,
        "time": ratio > MAX_TIMES and many["ms"] - few["ms"] > _MILLISECONDS_SEEN,
        "weight": many["kB"] > MAX_KB,
    }
    verdict = ", ".join(goal for goal, is_missed in missed.items() if is_missed)
    return (
        name,
        f"{many['queries']}",
        f"{few['ms']:.1f} ms",
        f"{many['ms']:.1f} ms",
        f"{ratio:.2f} x",
        f"{many['kB']:.0f} kB",
        f"MISSED: {verdict}" if verdict else "reached",
    )


def _idle(idle: Measured) -> tuple[str, ...]:
    queries, size = f"{idle['queries']:.0f}", f"{idle['bytes'] / 1000:.1f} kB"
    return ("an idle page, a minute", queries, "", "", "", size, "")
