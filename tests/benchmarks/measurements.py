"""What is measured, and the goals. Each function gives the rows of one part of the table."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.processes import Installation, Server, measure, serving
from tests.benchmarks.table import Row
from tests.demo.certificates import Certificates

PAGE_SIZE = 1000
# The first example in pyconnectwise's documentation, as it has no default.
OUTSIDE_PAGE_SIZE = 100
LATENCY = 0.08  # seconds
PARALLEL = 4

Measured = dict[str, Any]


def speed(
    installation: Installation, certificates: Certificates, batch_count: int, round_count: int
) -> list[Row]:
    """Compared with the lower limit and an outside client: TLS, 80 ms before each answer."""
    options = ("--latency", str(LATENCY), "--tls", *map(str, certificates.pair))
    with serving(batch_count, *options) as server:
        taken = alternating(round_count, contestants(installation, certificates, server))
        # Ten times the requests, and so slow that one round is enough.
        documented = _outside(installation, certificates, server, OUTSIDE_PAGE_SIZE)["seconds"]
    seconds = {name: median(each["seconds"] for each in runs) for name, runs in taken.items()}
    requests = {name: median(each["requests"] for each in runs) for name, runs in taken.items()}
    serial, parallel = seconds["product 1"], seconds[f"product {PARALLEL}"]
    outside = seconds["pyconnectwise"]
    floors = seconds["floor 1"], seconds[f"floor {PARALLEL}"]
    more_requests = requests[f"product {PARALLEL}"] / requests["product 1"]
    return [
        Row("bare fetch, 1 connection (the floor)", f"{floors[0]:.2f} s"),
        at_most("this product, 1 in flight", f"{serial:.2f} s", serial / floors[0], 1.15),
        Row(f"bare fetch, {PARALLEL} connections (the floor)", f"{floors[1]:.2f} s"),
        at_most(
            f"this product, {PARALLEL} in flight", f"{parallel:.2f} s", parallel / floors[1], 1.3
        ),
        at_most(
            f"page requests, {PARALLEL} in flight against 1",
            f"{requests[f'product {PARALLEL}']:.0f} / {requests['product 1']:.0f}",
            more_requests,
            1.25,
        ),
        at_least(
            f"pyconnectwise + lxml, pages of {PAGE_SIZE:,} (its most)",
            f"{outside:.2f} s",
            outside / parallel,
            4,
        ),
        at_least(
            f"pyconnectwise + lxml, pages of {OUTSIDE_PAGE_SIZE} (as documented)",
            f"{documented:.2f} s",
            documented / parallel,
            4,
        ),
    ]


def processing(installation: Installation, batch_count: int, round_count: int) -> list[Row]:
    """The product's own work: a server that answers at once, without TLS."""
    with serving(batch_count) as server:

        def export(width: int, *options: str) -> Callable[[], Measured]:
            return lambda: _export(installation, server, width, *options)

        taken = alternating(
            round_count,
            {
                "serial": export(1),
                "parallel": export(PARALLEL),
                "no ledger": export(PARALLEL, "--without-ledger"),
            },
        )
        waits = [_probed(installation, server)["longest_ms"] for _ in range(round_count)]
    rates = {
        name: batch_count / median(each["seconds"] for each in runs) for name, runs in taken.items()
    }
    cost = 1e6 / rates["parallel"] - 1e6 / rates["no ledger"]
    return [
        Row("processing alone, 1 in flight", f"{rates['serial']:,.0f} batches/s"),
        _rate(f"processing alone, {PARALLEL} in flight", rates["parallel"]),
        Row("  the same without the ledger", f"{rates['no ledger']:,.0f} batches/s"),
        Row("  cost of the ledger", f"{cost:.1f} µs/batch"),
        _wait("longest wait for SQLite's write lock", max(waits)),
    ]


def memory(installation: Installation, batch_count: int) -> list[Row]:
    """Peak memory of the exporting process: few batches, many, and a gzip bomb."""
    with serving(1000) as server:
        few = _export(installation, server, PARALLEL)["memory"]
        server.order("bomb")
        bomb = installation.export(server, width=PARALLEL, page_size=PAGE_SIZE)
        assert bomb["status"] == "failed", bomb
    rows = [
        Row("peak memory, 1,000 batches", f"{few:.0f} MB"),
        _growth("peak memory, gzip bomb of 1 GB (run failed)", bomb["memory"], few),
    ]
    if batch_count:
        with serving(batch_count) as server:
            many = _export(installation, server, PARALLEL)
            wait = _probed(installation, server)["longest_ms"]
        rate = batch_count / many["seconds"]
        rows += [
            _growth(f"peak memory, {batch_count:,} batches", many["memory"], few),
            _rate(f"processing alone, {batch_count:,} batches", rate),
            _wait(f"longest wait for the lock, {batch_count:,} batches", wait),
        ]
    return rows


def ticking(installation: Installation, database: str = "") -> list[Row]:
    """One tick without a due time, and one with a thousand; on an empty PostgreSQL if named."""
    with installation.copy() as folder:
        environment = installation.environment(folder, database)
        found = measure("schedules", environment=environment)
    queries, ms, seconds = found["queries"], found["ms"], found["seconds"]
    return [
        Row("a tick, 10,000 schedules, none due: queries", f"{queries}", "", "<= 2", queries <= 2),
        Row("  time in the database", f"{ms:.1f} ms", "", "<= 5 ms", ms <= 5),
        Row(
            "1,000 schedules due at once, all queued",
            f"{seconds:.1f} s",
            "",
            "<= 60 s",
            seconds <= 60,
        ),
        Row("  processor time of that", f"{found['processor']:.1f} s"),
    ]


def profile(installation: Installation, batch_count: int, width: int) -> None:
    """A profile of the product's own time, on standard error."""
    with serving(batch_count) as server:
        _export(installation, server, width, "--profile")


def at_most(name: str, figure: str, ratio: float, goal: float) -> Row:
    return Row(name, figure, f"{ratio:.2f} x", f"<= {goal} x", ratio <= goal)


def at_least(name: str, figure: str, ratio: float, goal: float) -> Row:
    return Row(name, figure, f"{ratio:.2f} x", f">= {goal} x", ratio >= goal)


def _rate(name: str, rate: float) -> Row:
    return Row(name, f"{rate:,.0f} batches/s", "", ">= 20,000/s", rate >= 20_000)


def _wait(name: str, milliseconds: float) -> Row:
    return Row(name, f"{milliseconds:.0f} ms", "", "<= 250 ms", milliseconds <= 250)


def _growth(name: str, peak: float, base: float) -> Row:
    return Row(name, f"{peak:.0f} MB", f"{peak - base:+.0f} MB", "<= +60 MB", peak - base <= 60)


def contestants(
    installation: Installation, certificates: Certificates, server: Server
) -> dict[str, Callable[[], Measured]]:
    authority = str(certificates.authority)
    page_ends = json.dumps(server.order(f"pages {PAGE_SIZE}"))

    def floor(width: int) -> Callable[[], Measured]:
        asked = (*_asked(server, authority), "--width", str(width), "--page-ends", page_ends)
        return lambda: _counted(server, lambda: measure("bare_fetch", *asked))

    def product(width: int) -> Callable[[], Measured]:
        return lambda: _counted(server, lambda: _export(installation, server, width))

    return {
        "floor 1": floor(1),
        "product 1": product(1),
        f"floor {PARALLEL}": floor(PARALLEL),
        f"product {PARALLEL}": product(PARALLEL),
        "pyconnectwise": lambda: _counted(
            server, lambda: _outside(installation, certificates, server, PAGE_SIZE)
        ),
    }


def in_other_checkout(
    root: Path, installation: Installation, server: Server
) -> Callable[[], Measured]:
    """The product of another checkout, with its own database."""
    other = installation.of_checkout(root)
    return lambda: _counted(server, lambda: _export(other, server, PARALLEL))


def _outside(
    installation: Installation, certificates: Certificates, server: Server, page_size: int
) -> Measured:
    asked = _asked(server, str(certificates.authority), page_size)
    with installation.copy() as folder:
        measured = measure("outside_client", *asked, "--output", str(folder / "outside.xml"))
    assert measured["batches"] == server.batch_count, measured
    return measured


def _asked(server: Server, authority: str, page_size: int = PAGE_SIZE) -> tuple[str, ...]:
    return "--site", server.url, "--ca-file", authority, "--page-size", str(page_size)


def alternating(
    round_count: int, contestants: dict[str, Callable[[], Measured]]
) -> dict[str, list[Measured]]:
    """Every contestant once in each round, so that a slow minute affects all of them."""
    taken: dict[str, list[Measured]] = {name: [] for name in contestants}
    for _ in range(round_count):
        for name, contestant in contestants.items():
            taken[name].append(contestant())
    return taken


def _counted(server: Server, contestant: Callable[[], Measured]) -> Measured:
    server.order("take")
    measured = contestant()
    return measured | {"requests": server.order("take")}


def _export(installation: Installation, server: Server, width: int, *options: str) -> Measured:
    measured = installation.export(server, *options, width=width, page_size=PAGE_SIZE)
    return _complete(measured, server)


def _probed(installation: Installation, server: Server) -> Measured:
    measured, probed = installation.export_while_probed(server, width=PARALLEL, page_size=PAGE_SIZE)
    _complete(measured, server)
    return probed


def _complete(measured: Measured, server: Server) -> Measured:
    """Raises for a run that failed or lost batches, as its figures would be worthless."""
    found = measured["status"], measured["batches"]
    if found != ("succeeded", server.batch_count):
        raise SystemExit(f"The run {found[0]} with {found[1]} batches. {measured['error']}")
    return measured
