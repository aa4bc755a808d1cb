"""What an installation of any size does all day; builds one, or measures it once.

`build` fills an empty database; `pages` answers pages, recovers and ticks as a worker does; `run`
exports what changed. Prints one JSON line: for each step its number of queries and milliseconds of
the processor, for `memory` the highest of the process (MB).
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_tasks_db.models import DBTaskResult  # noqa: E402

from exports.delivery.sending import send_due  # noqa: E402
from exports.models import Run, Task, Worker  # noqa: E402
from exports.pipeline import runner  # noqa: E402
from exports.workers import jobs, recovery  # noqa: E402
from exports.workers.tuning import tune_process  # noqa: E402
from tests.all_pages import addresses  # noqa: E402
from tests.benchmarks.large_seed import connect_first_task, seed_large  # noqa: E402

TIMES = 3
PAGES = (
    "task page",
    "task form",
    "ledger",
    "ledger, page 400",
    "ledger, searched",
    "run page",
    "run page, polled",
    "history",
    "history, middle page",
    "history, last page",
    "history of failures",
    "history of a task",
    "history, four filters",
    "history by who",
    "history, none found",
    "history as CSV, first byte",
    "connections",
)
HOME = ("home", "home, polled")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("build", "pages", "home", "run"))
    parser.add_argument("--runs", type=int)
    parser.add_argument("--entries", type=int)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--site")
    parser.add_argument("--batches", type=int)
    parser.add_argument("--highest-id", type=int)
    options = parser.parse_args()
    if options.step == "build":
        seed_large(options.runs, options.entries, options.tasks)
        connect_first_task(options.site, options.batches, options.highest_id)
        User.objects.create(username="reader", is_superuser=True)
        call_command("collectstatic", "--noinput", "--verbosity=0")
        print("{}")
        return
    measured = _run() if options.step == "run" else _shown(options.step == "home")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**measured, "memory": memory}))


def _run() -> dict[str, Any]:
    """A Modified run of the task with the long ledger."""
    task = Task.objects.earliest("id")
    runner.prepare()
    tune_process()
    begun = time.process_time()
    with CaptureQueriesContext(connection) as context:
        run = jobs.queue_run(task, Run.Trigger.COMMAND)
        jobs.execute_here(run.pk, run.attempt)
        query_count = len(context)
    milliseconds = 1000 * (time.process_time() - begun)
    run.refresh_from_db()
    assert (run.status, run.batch_count, run.suspicion) == ("succeeded", run.fetched_count, "")
    assert run.batch_count, "nothing was exported"
    return {"a small run, Modified": {"queries": query_count, "ms": milliseconds}}


def _shown(is_home: bool) -> dict[str, Any]:
    # Its worker lives, as far as the recovery can tell.
    ahead = timezone.now() + timedelta(hours=1)
    Run.objects.running().update(heartbeat_at=ahead)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="reader"))
    found = addresses()
    if is_home:
        return {name: _measured(_page(client, found[name])) for name in HOME}
    steps = {name: _page(client, found[name]) for name in PAGES}
    steps["recovery, at a worker's start"] = lambda: recovery.recover(is_thorough=True)
    steps["recovery, every 10 s"] = recovery.recover
    steps["a worker's tick: life, waiting runs, jobs, deliveries"] = _tick
    return {name: _measured(step) for name, step in steps.items()}


def _page(client: Client, address: str) -> Callable[[], object]:
    def answer() -> None:
        response: Any = client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        if response.streaming:
            next(iter(response.streaming_content))

    return answer


def _tick() -> None:
    Worker.objects.see("worker-1", 1)
    jobs.enqueue_unblocked()
    DBTaskResult.objects.ready().filter(backend_name="default").first()
    send_due()


def _measured(step: Callable[[], object]) -> dict[str, float]:
    with CaptureQueriesContext(connection) as context:
        step()
        query_count = len(context)
    return {"queries": query_count, "ms": median(_milliseconds(step) for _ in range(TIMES))}


def _milliseconds(step: Callable[[], object]) -> float:
    # Of the processor: whatever else runs here meanwhile is not the step's.
    begun = time.process_time()
    step()
    return 1000 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
