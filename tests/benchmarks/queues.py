"""Runs a minute, from a click to the first request, many at once, and idle workers, by place."""

from statistics import median
from typing import Any

from tests.benchmarks.measurements import PAGE_SIZE, PARALLEL, at_least, at_most
from tests.benchmarks.places import POSTGRESQL, REDIS, SQLITE, Places
from tests.benchmarks.processes import Installation, Server, measure, serving
from tests.benchmarks.table import Row

PLACES = (SQLITE, POSTGRESQL, REDIS)
WORKERS = (1, 2, 4)
RUNS, AT_ONCE, CLICKS, IDLE_SECONDS = 60, 500, 30, 60
BATCHES, LARGE = 200, 20_000
LATENCY = 0.08  # seconds


def rows(installation: Installation, server: str, idle_workers: int) -> list[Row]:
    with Places(installation, server) as places:
        found = [row for place in PLACES for row in _clicks(places, place)]
        with serving(BATCHES, "--latency", str(LATENCY)) as stand_in:
            found += [row for place in PLACES for row in _throughput(places, place, stand_in)]
            found += [row for place in PLACES for row in _at_once(places, place, stand_in)]
        return [*found, *_idle(places, idle_workers), *_large(places)]


def _clicks(places: Places, place: str) -> list[Row]:
    found = _load(places, place, "clicks", workers=2, count=CLICKS)
    name = f"click to first request, {place}"
    ms = found["median"]
    goal = ("<= 100 ms", ms <= 100) if place == REDIS else ("", None)
    return [
        Row(f"{name}: median", f"{ms:.0f} ms", "", *goal),
        Row("  p99", f"{found['p99']:.0f} ms"),
    ]


def _throughput(places: Places, place: str, stand_in: Server) -> list[Row]:
    rates = {
        workers: _load(places, place, "runs", workers=workers, count=RUNS, site=stand_in.url)[
            "per_minute"
        ]
        for workers in WORKERS
    }
    found = []
    for workers, rate in rates.items():
        name = f"runs a minute, {place}, {workers} worker{'s' * (workers > 1)}"
        ratio = rate / rates[1]
        if (place, workers) == (POSTGRESQL, 2):
            found.append(at_least(name, f"{rate:.0f}", ratio, 1.6))
        else:
            found.append(Row(name, f"{rate:.0f}", f"{ratio:.2f} x"))
    return found


def _at_once(places: Places, place: str, stand_in: Server) -> list[Row]:
    found = _load(places, place, "runs", workers=4, count=AT_ONCE, site=stand_in.url)
    name = f"{AT_ONCE} tasks queued at once, {place}, 4 workers: all over"
    rows = [Row(name, f"{found['seconds']:.0f} s")]
    if place != SQLITE:
        rows.append(Row("  connections to PostgreSQL, at most", f"{found['connections']}"))
    return rows


def _idle(places: Places, workers: int) -> list[Row]:
    rows = []
    for count in (1, workers):
        found = _load(places, POSTGRESQL, "idle", workers=count, count=IDLE_SECONDS)
        rate = found["per_second"]
        name = f"{count} idle worker{'s' * (count > 1)} on PostgreSQL: queries a second"
        goal = ("<= 60", rate <= 60) if count >= 50 else ("", None)
        rows.append(Row(name, f"{rate:.1f}", "", *goal))
        rows.append(Row("  connections", f"{found['connections']}"))
    return rows


def _large(places: Places) -> list[Row]:
    """One export, alternating between the two databases."""
    seconds: dict[str, list[float]] = {SQLITE: [], POSTGRESQL: []}
    with serving(LARGE) as server:
        for _round in range(3):
            for place, taken in seconds.items():
                taken.append(_export(places, place, server))
    sqlite, postgresql = median(seconds[SQLITE]), median(seconds[POSTGRESQL])
    name = f"one export of {LARGE:,} batches"
    return [
        Row(f"{name}, {SQLITE}", f"{sqlite:.2f} s"),
        at_most(f"{name}, {POSTGRESQL}", f"{postgresql:.2f} s", postgresql / sqlite, 1.2),
    ]


def _export(places: Places, place: str, server: Server) -> float:
    asked = ("--site", server.url, "--width", str(PARALLEL), "--page-size", str(PAGE_SIZE))
    with places.environment(place) as environment:
        found = measure("product", *asked, environment=environment)
    assert (found["status"], found["batches"]) == ("succeeded", LARGE), found
    return float(found["seconds"])


def _load(
    places: Places, place: str, what: str, *, workers: int, count: int, site: str = ""
) -> dict[str, Any]:
    options = ("--workers", str(workers), "--count", str(count), "--site", site)
    with places.environment(place) as environment:
        return measure("queue_load", what, *options, environment=environment)
