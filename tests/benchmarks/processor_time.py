"""Processor time of an export, which does not depend on other load of the machine.

User and system time of all processes involved, including children, from *Run now* to the end;
beside the bare fetch of the same pages and beside pyconnectwise, from the first request on. TLS, no
latency, several requests in flight.
"""

from pathlib import Path
from statistics import median

from tests.benchmarks.measurements import (
    PAGE_SIZE,
    PARALLEL,
    Measured,
    alternating,
    at_most,
    contestants,
    in_other_checkout,
)
from tests.benchmarks.processes import Installation, serving
from tests.benchmarks.table import Row
from tests.demo.certificates import Certificates

# Compared with version 9e089e1, in the same rounds.
GOAL = 0.7


def rows(
    installation: Installation,
    certificates: Certificates,
    batch_count: int,
    round_count: int,
    other: Path | None = None,
) -> list[Row]:
    """`other` is another checkout of this product, measured in the same rounds."""
    with serving(batch_count, "--tls", *map(str, certificates.pair)) as server:
        all_of_them = contestants(installation, certificates, server)
        names = [f"floor {PARALLEL}", f"product {PARALLEL}", "pyconnectwise"]
        chosen = {name: all_of_them[name] for name in names}
        if other:
            chosen["other"] = in_other_checkout(other, installation, server)
        taken = alternating(round_count, chosen)
    seconds = {name: _median(runs) for name, runs in taken.items()}
    floor, product, outside = (seconds[name] for name in names)
    found = [
        Row("processor time, bare fetch (the floor)", f"{floor:.2f} s"),
        Row("processor time, this product", f"{product:.2f} s", f"{product / floor:.2f} x"),
        Row(
            f"processor time, pyconnectwise + lxml, pages of {PAGE_SIZE:,}",
            f"{outside:.2f} s",
            f"{outside / product:.2f} x",
        ),
    ]
    if other:
        ratios = [
            mine["cpu_seconds"] / theirs["cpu_seconds"]
            for mine, theirs in zip(taken[names[1]], taken["other"], strict=True)
        ]
        found.append(
            at_most(
                "this product against the other checkout",
                f"{product:.2f} / {seconds['other']:.2f} s",
                median(ratios),
                GOAL,
            )
        )
    return found


def _median(runs: list[Measured]) -> float:
    return median(each["cpu_seconds"] for each in runs)
