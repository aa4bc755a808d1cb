"""`python -m tests.benchmarks [--quick]`: speed, memory and locks of an export, and all pages.

The stand-in and everything measured run in separate processes on this machine. The full run makes
three alternating rounds and a million batches and takes about half an hour; the quick one makes one
round without the million, the pages, the queues and the large installation. `--pages` measures only
the pages, `--large` only a large installation beside a small one, `--many` only many tasks,
`--queues` only workers on SQLite, PostgreSQL and Redis.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.benchmarks import (
    deliveries,
    large,
    many,
    measurements,
    page_times,
    processor_time,
    queues,
)
from tests.benchmarks.processes import Installation
from tests.benchmarks.table import columns, render
from tests.demo.certificates import make_certificates

BATCHES = 50_000
_ABOUT_MANY = (
    "Few: 6 tasks of 2 connections, 600 runs. Many: 1,000 tasks of 200 connections, 100,000 runs.\n"
    "First loads gzipped; medians of the processor's time in SQLite, in turns. Idle: what it sends."
)
MANY_BATCHES = 1_000_000


def main() -> None:
    options = parser_of_options().parse_args()
    round_count, most = (1, 0) if options.quick else (3, MANY_BATCHES)
    with tempfile.TemporaryDirectory(prefix="cwexport-benchmarks-") as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        installation = Installation(folder, certificates.authority)
        if options.profile:
            measurements.profile(installation, BATCHES, options.profile)
            return
        for is_asked, about, lines in (
            (options.pages, _about_pages(), page_times.lines),
            (options.large, _about_large(), large.lines),
            (options.many, _ABOUT_MANY, many.lines),
        ):
            if is_asked:
                print(f"{_machine()}\n{about}\n", columns(lines(installation)), sep="\n")
                return
        if options.deliveries:
            print(f"{_machine()}\n", render(deliveries.rows(folder)), sep="\n")
            return
        if options.queues:
            found = queues.rows(installation, options.database, options.idle_workers)
            print(f"{_machine()}\n", render(found), sep="\n")
            return
        if options.schedules:
            print(
                _heading(1), render(measurements.ticking(installation, options.database)), sep="\n"
            )
            return
        used = partial(
            processor_time.rows, installation, certificates, BATCHES, round_count, options.beside
        )
        if options.processor:
            print(_heading(round_count), render(used()), sep="\n")
            return
        rows = measurements.speed(installation, certificates, BATCHES, round_count)
        rows += measurements.processing(installation, BATCHES, round_count)
        rows += used()
        rows += measurements.memory(installation, most)
        rows += deliveries.rows(folder)
        rows += measurements.ticking(installation)
        if not options.quick:
            rows += queues.rows(installation, options.database, options.idle_workers)
        pages = [] if options.quick else page_times.lines(installation)
        sizes = [] if options.quick else large.lines(installation)
        tasks = [] if options.quick else many.lines(installation)
    print(_heading(round_count))
    print(render(rows))
    if pages:
        print(f"\n{_about_pages()}\n", columns(pages), sep="\n")
        print(f"\n{_about_large()}\n", columns(sizes), sep="\n")
        print(f"\n{_ABOUT_MANY}\n", columns(tasks), sep="\n")


def parser_of_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no million batches")
    parser.add_argument("--pages", action="store_true", help="only the pages of a long history")
    parser.add_argument("--large", action="store_true", help="only large beside small")
    parser.add_argument("--many", action="store_true", help="only many tasks beside few")
    parser.add_argument("--deliveries", action="store_true", help="only 300 MB by SFTP and S3")
    parser.add_argument("--schedules", action="store_true", help="only the ticks of schedules")
    parser.add_argument("--processor", action="store_true", help="only the processor time")
    parser.add_argument("--queues", action="store_true", help="only workers, by database and queue")
    parser.add_argument(
        "--database",
        default="",
        metavar="URL",
        help="PostgreSQL: an empty database for the schedules; for the queues any on a server "
        "where databases may be made (default: that of the tests)",
    )
    parser.add_argument(
        "--idle-workers", type=int, default=10, help="how many are idle at once, 60 MB each"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="FOLDER", help="another checkout, for the processor time"
    )
    parser.add_argument(
        "--profile", type=int, metavar="WIDTH", help="only show where the time of a run goes"
    )
    return parser


def _heading(round_count: int) -> str:
    rounds = "1 round" if round_count == 1 else f"medians of {round_count} alternating rounds"
    return (
        f"{_machine()}\n"
        f"{BATCHES:,} batches in pages of {measurements.PAGE_SIZE:,}, "
        f"{measurements.LATENCY * 1000:.0f} ms latency and TLS unless it says alone; {rounds}\n"
    )


def _about_large() -> str:
    small, much = (
        "{--runs:,} runs, {--entries:,} ledger rows, {--tasks:,} tasks".format(**size)
        for size in (large.SMALL, large.LARGE)
    )
    return (
        f"Small: {small}. Large: {much}.\nMedians of {large.ROUNDS} alternating rounds, of the "
        "processor's time in SQLite; queries of both."
    )


def _about_pages() -> str:
    return (
        "Every page with its first load gzipped; medians of the processor's time in SQLite. Long: "
        "10 log lines\na run, a ledger of 1,000,000. *: the short history fills no page with this "
        "filter, so its first page stands here."
    )


def _machine() -> str:
    return (
        f"$ python -m tests.benchmarks {' '.join(sys.argv[1:])}\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


if __name__ == "__main__":
    main()
