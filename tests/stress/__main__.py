"""The long stress: faults, kills and many users, every batch accounted for, one table.

Without a PART all parts run, for about an hour; with --quick for some minutes. Exits with 1 when a
promise was broken, and names the cause. NOT RUN, without strace, the right to mount or a database,
is no violation.
"""

import argparse
import logging
import signal
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path

from tests.stress import django_setup as installation
from tests.stress.report import Report

_ABOUT = {
    "histories": "random histories: people change batches, dates, conditions and settings and "
    "export again, the server fails, clocks are wrong, workers get SIGKILL and SIGTERM, "
    "housekeeping deletes runs (--histories, --runs, --batches)",
    "kill-points": "SIGKILL inside every rename, fsync and unlink and every 10th write (--points)",
    "deliveries": "SIGKILL inside calls to disk and network of deliveries by SFTP, WebDAV, S3 and "
    "HTTPS (--points)",
    "kills": "SIGKILL to a worker at random moments (--kills)",
    "freezes": "SIGSTOP past the lease, then SIGCONT (--freezes)",
    "disk": "a disk that fills up and has space again",
    "run-now": "50 people press Run now in the same moment",
    "load": "2 workers and 20 writers on one database (--seconds)",
    "web-kills": "SIGKILL to the web server while people press Run now (--web-kills)",
    "stops": "SIGTERM wherever a run is: seconds until the process is gone (--repeats)",
    "cancels": "cancel wherever a run is: seconds until it is seen (--repeats)",
    "schedules": "a year of schedules in six zones, two hosts, outages, wrong clocks (--schedules)",
    "requests": "random requests to every address of the product (--requests)",
    "takeovers": "SIGKILL, then a new worker: seconds until the run goes on (--takeovers)",
    "hosts": "two hosts with folders of their own: workers and hosts killed, hosts stopped or cut "
    "off past their lease, Redis and S3 of their own killed, emptied and paused (--host-runs, "
    "--database, --without)",
}
# Option: (size of the long stress, of the quick one, description).
_SIZES = {
    "histories": (1, 1, "histories, with one seed after another"),
    "runs": (200, 40, "runs of each history"),
    "batches": (10_000, 1000, "batches each history begins with"),
    "kills": (200, 10, "random kills of a worker"),
    "freezes": (5, 1, "workers frozen past their lease"),
    "seconds": (60, 10, "of writers beside workers"),
    "web-kills": (40, 4, "kills of the web server"),
    "repeats": (10, 1, "of each SIGTERM and each cancel"),
    "schedules": (1000, 30, "schedules whose year is simulated"),
    "requests": (20_000, 1_500, "random requests"),
    "host-runs": (100, 10, "runs while hosts are struck"),
    "takeovers": (4, 1, "times four runs are interrupted and taken over"),
}
_POINTS = ("all", "20")


def main() -> int:
    """Returns 0 when every promise was kept."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="cwexport-stress-"))
    installation.set_up(folder, database=options.database, queue=options.queue)
    # Runs fail on purpose here; their log would fill the terminal.
    logging.disable(logging.ERROR)
    from tests.stress.parts import PARTS

    # What was started is ended: a signal would skip that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = Report()
    print(f"Seed {options.seed}; database, files and logs are in {folder}", flush=True)
    for name in options.parts or PARTS:
        began = time.monotonic()
        try:
            PARTS[name](options, folder, report)
        except Exception:
            # The other parts still run; a part that was aborted has proven nothing.
            report.add(name, "", "", "broke off", is_kept=False)
            report.blame([traceback.format_exc()])
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"\n{report.text()}")
    return 1 if report.is_violated else 0


def _options() -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args()
    unknown = [name for name in options.parts if name not in _ABOUT]
    if unknown:
        parser.error(f"there is no part {unknown[0]}: choose from {', '.join(_ABOUT)}")
    for name, (long, quick, _) in _SIZES.items():
        attribute = name.replace("-", "_")
        if getattr(options, attribute) is None:
            setattr(options, attribute, quick if options.quick else long)
    options.points = options.points or _POINTS[options.quick]
    return options


def _parser() -> argparse.ArgumentParser:
    parts = "\n".join(
        textwrap.fill(about, 96, initial_indent=f"  {name:<12} ", subsequent_indent=" " * 15)
        for name, about in _ABOUT.items()
    )
    parser = argparse.ArgumentParser(
        "python -m tests.stress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"parts:\n{parts}\n\nA history that broke a promise is repeated by its seed:\n"
        "  python -m tests.stress histories --seed 7 --runs 40 --batches 1000",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="parts to run, see below")
    parser.add_argument("--quick", action="store_true", help="small sizes, unless said otherwise")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")
    for name, (long, quick, about) in _SIZES.items():
        params = f"{about} (default: {long}, quick: {quick})"
        parser.add_argument(f"--{name}", type=int, metavar="N", help=params)
    parser.add_argument(
        "--database",
        default="",
        metavar="URL",
        help="an empty PostgreSQL database (default: SQLite)",
    )
    parser.add_argument(
        "--queue", default="", metavar="URL", help="a Redis of its own (default: the database)"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("redis", "s3", "namespace"),
        help="hosts do without it; may be given several times",
    )
    long_points, quick_points = _POINTS
    params = f"kill points: all, or about how many (default: {long_points}, quick: {quick_points})"
    parser.add_argument("--points", metavar="N", help=params)
    return parser


if __name__ == "__main__":
    sys.exit(main())
