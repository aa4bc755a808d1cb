"""One run of the product, from *Run now* to its end, with the code a worker uses.

Prints one JSON line: seconds from queueing to the end, how it ended, and the highest memory (MB),
also of the process that validates a large file.
"""

import argparse
import cProfile
import json
import pstats
import resource
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import django

django.setup()

from exports.connectwise.xml.background_validation import _ValidationProcess  # noqa: E402
from exports.demo.account import Account  # noqa: E402
from exports.models import Connection, Run, Task  # noqa: E402
from exports.models.ledger import LedgerQuerySet, Version  # noqa: E402
from exports.pipeline import known_batches, runner  # noqa: E402
from exports.workers import jobs  # noqa: E402
from exports.workers.tuning import tune_process  # noqa: E402
from tests.benchmarks.used_time import used_seconds  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--site", required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--page-size", type=int, required=True)
    parser.add_argument("--without-ledger", action="store_true")
    parser.add_argument("--profile", action="store_true", help="print where the time went")
    options = parser.parse_args()
    if options.without_ledger:
        _leave_out_the_ledger()
    task = _task(_connection(options.site, options.width), options.page_size)
    validation = ValidationMemory()
    runner.prepare()
    tune_process()
    profile = cProfile.Profile() if options.profile else None
    begun, used = time.monotonic(), used_seconds()
    with profile or nullcontext():
        run = jobs.queue_run(task, Run.Trigger.COMMAND)
        jobs.execute_here(run.pk, run.attempt)
    seconds, used = time.monotonic() - begun, used_seconds() - used
    if profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)
    run.refresh_from_db()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": used,
                "status": run.status,
                "error": run.error,
                "batches": run.batch_count or 0,
                "sha256": run.file_sha256,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                + validation.peak,
            }
        )
    )


def _own_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class ValidationMemory:
    """The highest memory of the process that validates a large file while it is written.

    Measured at every page, as the system's figure for ended children includes the copy of this
    process that each of them starts as.
    """

    def __init__(self) -> None:
        self.peak = 0.0
        release = _ValidationProcess.release

        def measured(process: _ValidationProcess, size: int, *, is_whole: bool) -> None:
            release(process, size, is_whole=is_whole)
            with suppress(OSError, IndexError):
                status = Path(f"/proc/{process._process.pid}/status").read_text()
                self.peak = max(self.peak, int(status.split("VmHWM:")[1].split()[0]) / 1024)

        _ValidationProcess.release = measured  # type: ignore[assignment, method-assign]


def _connection(site: str, width: int) -> Connection:
    account = Account()
    connection = Connection(
        name="Stand-in",
        site=site,
        company=account.company,
        public_key=account.public_key,
        client_id=account.client_id,
        parallel_requests=width,
    )
    connection.write_private_key(account.private_key)
    connection.save()
    return connection


def _task(connection: Connection, page_size: int) -> Task:
    task = Task.objects.create(
        name="Benchmark",
        connection=connection,
        export="all",
        page_size=page_size,
        output_file="batches.xml",
    )
    task.record_typed_dates(None, None)
    return task


def _leave_out_the_ledger() -> None:
    """Compute no versions and write no ledger rows, to see what the ledger costs."""
    LedgerQuerySet.stage = lambda *_: None  # type: ignore[method-assign]

    def nothing_of(batch_id: int, _record: object) -> Version:
        return Version(batch_id, "", "")

    known_batches.version_of = nothing_of  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
