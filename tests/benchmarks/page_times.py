"""The pages of a short and of a long history side by side, each against its goals."""

from typing import Any

from tests.benchmarks.processes import Installation, measure

FEW, MANY = 100, 100_000
ROWS_A_PAGE = 25
MAX_QUERIES, MAX_TIMES, MAX_KB = 12, 1.5, 100
# Below this, the ratio says more about the clock than about the page.
_MILLISECONDS_SEEN = 2.0
HEADING = ("", "queries", f"{FEW} runs", f"{MANY:,} runs", "ratio", "first load", "")

Measured = dict[str, dict[str, Any]]


def lines(installation: Installation) -> list[tuple[str, ...]]:
    """The table with its heading: name, queries, times, ratio, first load, verdict."""
    few = _measured(installation, FEW, 1_000)
    many = _measured(installation, MANY, 1_000_000)
    return [HEADING, *(_line(name, few, many) for name in many)]


def _measured(installation: Installation, run_count: int, entry_count: int) -> Measured:
    with installation.copy() as folder:
        asked = ("--runs", str(run_count), "--ledger-entries", str(entry_count))
        return measure("pages", *asked, environment=installation.environment(folder))


def _line(name: str, few: Measured, many: Measured) -> tuple[str, ...]:
    short, long = _comparable(name, few), many[name]
    ratio = long["ms"] / short["ms"]
    is_slower = ratio > MAX_TIMES and long["ms"] - short["ms"] > _MILLISECONDS_SEEN
    missed = {
        "queries": long["queries"] > MAX_QUERIES,
        "time": is_slower,
        "weight": (long["kB"] or 0) > MAX_KB,
    }
    verdict = ", ".join(goal for goal, is_missed in missed.items() if is_missed)
    return (
        name,
        str(long["queries"]),
        f"{short['ms']:.1f} ms{'*' if short is not few[name] else ''}",
        f"{long['ms']:.1f} ms",
        f"{ratio:.2f} x",
        f"{long['kB']:.0f} kB" if long["kB"] else "",
        f"MISSED: {verdict}" if verdict else "reached",
    )


def _comparable(name: str, few: Measured) -> dict[str, Any]:
    """The page to compare a page of many runs with, which must be as full.

    A filter that does not fill a page of the short history is compared with its whole first page.
    """
    measured = few[name]
    is_partial = measured["rows"] is not None and measured["rows"] < ROWS_A_PAGE
    if name.startswith("history") and is_partial and measured["ms"] < few["history"]["ms"]:
        return few["history"]
    return measured
