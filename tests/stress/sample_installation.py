"""A sample installation: a stand-in with a journal, exporting tasks, and worker processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from exports.connectwise.filter.conditions import Condition
from exports.delivery.sending import send_due
from exports.demo.answers import Request
from exports.demo.rows import Record
from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.models.sync_window import overlap
from exports.workers import jobs, recovery
from exports.workers.heartbeats import ClockWatch
from tests.conftest import make_connection, save_task
from tests.stress.archive import Archive
from tests.stress.checker import Matches, Verdict, judge
from tests.stress.decisions import Account
from tests.stress.evidence import (
    exported_by,
    look_at_dates,
    look_at_decisions,
    look_at_folders,
)
from tests.stress.journal import JournalStore
from tests.stress.pace import Clock
from tests.stress.promises import allow, deciding_field, owe

Process = subprocess.Popen[str]

ROOT = Path(__file__).resolve().parents[2]
DEAD_FOR = timedelta(seconds=90)
_HOURS = 2 * 3600


@dataclass(frozen=True)
class Filter:
    """Conditions of a task, and the same as a function of a record that shares no code."""

    rows: tuple[Condition, ...]
    matches: Matches


def _is_set(name: str) -> Matches:
    return lambda record: record.get(name) is True


FILTERS = (
    Filter((), lambda record: True),
    Filter((Condition("exportInvoicesFlag", "Equal", "True"),), _is_set("exportInvoicesFlag")),
    Filter(
        (
            Condition("exportInvoicesFlag", "Equal", "True", "Or"),
            Condition("exportExpensesFlag", "Equal", "True", "And"),
            Condition("id", "GreaterThan", "50"),
        ),
        lambda record: (
            record.get("exportInvoicesFlag") is True
            or (record.get("exportExpensesFlag") is True and record["id"] > 50)
        ),
    ),
)


class SampleInstallation:
    """A running stand-in with a journal, its connection, and tasks to be judged at the end."""

    def __init__(
        self,
        records: Sequence[Record],
        *,
        parallel_requests: int = 4,
        address: str = "127.0.0.1",
    ) -> None:
        self.journal = JournalStore(records)
        self.archive = Archive()
        self.stand_in = StandIn(self.journal, address=address)
        self.during: Callable[[Request], None] | None = None
        self.stand_in.on_request(self._on_request)
        self.stand_in.start()
        self.connection = make_connection(
            self.stand_in, name=self.stand_in.url, parallel_requests=parallel_requests
        )
        self.tasks: list[Task] = []
        self.accounts: dict[int, Account] = {}
        # For each *Export again*, the number of a run or the ids to export.
        self.wanted: dict[int, int | list[int]] = {}
        self._filters: dict[int, dict[str, Matches]] = {}

    def close(self) -> None:
        """Stop the server. Raises its own mistakes."""
        self.stand_in.stop()
        self.archive.close()
        if self.stand_in.failures:
            raise self.stand_in.failures[0]

    def add_task(self, export: str, page_size: int, filter: Filter = FILTERS[0]) -> Task:
        name = f"{self.connection.pk}-{len(self.tasks)}-{export}"
        task = save_task(
            self.connection,
            name=name,
            export=export,
            page_size=page_size,
            output_file=f"{name}.xml",
        )
        self.tasks.append(task)
        typed = getattr(task, deciding_field(task))
        self.accounts[task.pk] = Account(typed, datetime.now(UTC), overlap=overlap())
        self.change_filter(task, filter)
        return task

    def change_filter(self, task: Task, filter: Filter) -> None:
        task.replace_conditions(filter.rows)
        sent = task.rendered_conditions()
        self._filters.setdefault(task.pk, {})[sent] = filter.matches

    def judge_task(self, task: Task) -> Verdict:
        """The checker's verdict on one task, after its last and clean run."""
        account = self.accounts[task.pk]
        runs = allow(task, exported_by(task, self.archive), account, self.wanted, self.journal)
        promise = owe(task, self._filters[task.pk], runs, account, self.journal)
        verdict = judge(self.journal, promise, runs)
        verdict.add(look_at_dates(task, self.archive))
        verdict.add(look_at_decisions(task, account, self.archive))
        verdict.findings = [f"{task.name}: {finding}" for finding in verdict.findings]
        return verdict

    def judge_all(self) -> Verdict:
        """The whole scenario: every task, then the folders."""
        verdict = look_at_folders(is_recovered=True)
        for task in self.tasks:
            verdict.add(self.judge_task(task))
        return verdict

    def _on_request(self, request: Request) -> None:
        if self.during is not None:
            self.during(request)


def queue(task: Task) -> Run:
    return jobs.queue_run(Task.objects.get(pk=task.pk), Run.Trigger.MANUAL)


def execute(run: Run) -> Run:
    """Execute an active run to its end in this process."""
    run.refresh_from_db()
    jobs.execute_here(run.pk, run.attempt)
    send_due()
    return Run.objects.get(pk=run.pk)


def run_cleanly(task: Task) -> Run:
    return execute(queue(task))


def recover(run: Run) -> Run:
    """What a worker does at its start, as if the minute of silence were over, or for drafts the
    hour after which nobody can be writing them any more.
    """
    silent_since = datetime.now(UTC) - DEAD_FOR
    Run.objects.filter(pk=run.pk, status="running").update(heartbeat_at=silent_since)
    for draft in (Path(settings.CWEXPORT_DATA_DIR) / "exports").glob(".*"):
        os.utime(draft, (draft.stat().st_mtime - _HOURS,) * 2)
    # The time that a stress skips is no leap of the clock.
    recovery._clock = ClockWatch()
    recovery.recover(is_thorough=True)
    return Run.objects.get(pk=run.pk)


def finish(run: Run) -> Run:
    """Recover the run, and execute what is to be resumed, until it is over."""
    run = recover(run)
    while run.is_active:
        run = recover(execute(run))
    return run


def environment() -> dict[str, str]:
    """For other processes that must use this one's rows and files."""
    for each in connections.all():
        each.close()
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cwexport.settings",
        "DATABASE_URL": database_url(),
        "CWEXPORT_DATA_DIR": str(settings.CWEXPORT_DATA_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "CWEXPORT_ENCRYPTION_KEYS": ",".join(settings.CWEXPORT_ENCRYPTION_KEYS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }


def database_url() -> str:
    used = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{used['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**used)


def start_process(
    *arguments: str, log: Path, before: Sequence[str] = (), **changes: str
) -> Process:
    """Python with these arguments, in its own process group; its output is added to `log`.

    `changes`: settings that differ from this process's.
    """
    with log.open("a") as output:
        return subprocess.Popen(
            [*before, sys.executable, *arguments],
            cwd=ROOT,
            env={**environment(), **changes},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def export_in_a_process(
    run: Run, *, log: Path, clock: Clock | None = None, before: Sequence[str] = ()
) -> Process:
    """Execute a queued run in a process that can be killed without harm to this one."""
    offset = clock.offset if clock else timedelta()
    return start_process(
        "-m",
        "tests.stress.export_once",
        str(run.pk),
        str(run.attempt),
        str(offset.total_seconds()),
        log=log,
        before=before,
    )


def start_worker(*, log: Path, clock: Clock | None = None) -> Process:
    """A real worker; with a clock it uses that time, and its retries hardly wait."""
    if clock is None:
        return start_process("manage.py", "worker", log=log)
    offset = str(clock.offset.total_seconds())
    return start_process("-m", "tests.stress.shifted_worker", offset, log=log)


def end(process: Process) -> None:
    """SIGTERM, so that it ends the process groups it has started; then SIGKILL."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=30)
    kill(process)


def kill(process: Process) -> None:
    """SIGKILL to the process and all its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
