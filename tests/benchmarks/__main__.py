"""`python -m tests.benchmarks [--quick]`: speed, memory and locks of an export, in one table.

The stand-in and everything measured run in processes of their own on this machine. The full run
makes three alternating rounds and a million batches and takes about five minutes; the quick one
makes one round without the million.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import measurements
from tests.benchmarks.processes import Installation
from tests.benchmarks.table import render
from tests.demo.certificates import make_certificates

BATCHES = 50_000
MANY_BATCHES = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no million batches")
    parser.add_argument(
        "--profile", type=int, metavar="WIDTH", help="only show where the time of a run goes"
    )
    options = parser.parse_args()
    round_count, many = (1, 0) if options.quick else (3, MANY_BATCHES)
    with tempfile.TemporaryDirectory(prefix="cwexport-benchmarks-") as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        installation = Installation(folder, certificates.authority)
        if options.profile:
            measurements.profile(installation, BATCHES, options.profile)
            return
        rows = measurements.speed(installation, certificates, BATCHES, round_count)
        rows += measurements.processing(installation, BATCHES, round_count)
        rows += measurements.memory(installation, many)
    print(_heading(round_count))
    print(render(rows))


def _heading(round_count: int) -> str:
    rounds = "1 round" if round_count == 1 else f"medians of {round_count} alternating rounds"
    return (
        f"$ python -m tests.benchmarks {' '.join(sys.argv[1:])}\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}\n"
        f"{BATCHES:,} batches in pages of {measurements.PAGE_SIZE:,}, "
        f"{measurements.LATENCY * 1000:.0f} ms latency and TLS unless it says alone; {rounds}\n"
    )


if __name__ == "__main__":
    main()
