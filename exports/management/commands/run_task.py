"""`manage.py run_task NAME`: queue a run, wait for it, and print its result as one JSON line.

Standard output holds only that line; messages for people go to standard error.
"""

import getpass
import json
import sys
import time
from argparse import ArgumentParser
from threading import Event, Thread
from types import FrameType
from typing import Any, Final, NoReturn

from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.reading import nearest
from exports.connectwise.filter.conditions import ConditionError
from exports.delivery.sending import send_due
from exports.models import Run, Task
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.storage import files
from exports.workers import jobs, recovery
from exports.workers.start_checks import StartError, check_start
from exports.workers.stop_signals import on_stop_signals, restore_signals
from exports.workers.tuning import tune_process

SUCCEEDED, FAILED, UNUSABLE, SUSPICIOUS = 0, 1, 2, 3

_STILL_ACTIVE: Final = {
    Run.Status.QUEUED: gettext_noop("%(run)s is still queued and goes on without this command."),
    Run.Status.RUNNING: gettext_noop("%(run)s is still running and goes on without this command."),
}
_LOOK_EVERY: Final = 0.5  # seconds
_RECOVER_EVERY: Final = 10.0
_DELIVER_WITHIN: Final = 60.0


class Command(BaseCommand):
    help = _(
        "Run a task and wait for its end; without a worker the run is executed here. Prints one "
        "JSON line. Exit code: 0 succeeded, 1 failed or cancelled, 2 cannot be run, 3 succeeded "
        "but suspicious."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("The Task Name."))
        parser.add_argument(
            "--timeout",
            metavar="SECONDS",
            type=_seconds,
            help=_(
                "Wait no longer; a run executed here is cancelled then, one that a worker executes "
                "goes on."
            ),
        )
        parser.add_argument(
            "--accept-count",
            metavar="REASON",
            help=_(
                "First accept how many batches ConnectWise showed the task's last run, which is "
                "suspicious for that, and say why it is right."
            ),
        )

    def run_from_argv(self, argv: list[str]) -> None:
        tune_process()
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for sentence in check_start():
                self.stderr.write(sentence)
        except StartError as error:
            self._refuse(str(error))
        task = self._task(options["name"])
        if options["accept_count"] is not None:
            self._accept_count(task, options["accept_count"])
        run = self._queued(task)
        previous = on_stop_signals(_as_interrupt)
        try:
            self._see_through(run, options["timeout"])
            _wait_for_deliveries(run)
        finally:
            restore_signals(previous)
        self._print(run)
        sys.exit(_exit_code(run))

    def _task(self, name: str) -> Task:
        task = Task.objects.filter(name=name).first()
        if task is not None:
            return task
        known = Task.objects.filter(archived_at=None).order_by("name")
        names = list(known.values_list("name", flat=True))
        unknown = _("There is no task %(task)s.") % {"task": repr(name)}
        self._refuse(f"{unknown} {nearest(name, names)}")

    def _accept_count(self, task: Task, reason: str) -> None:
        if not reason.strip() or len(reason) > 200:
            self._refuse(_("--accept-count needs a reason of 1 to 200 characters."))
        last = Run.objects.own_successes(task.pk).first()
        name = _("%(user)s, command line") % {"user": getpass.getuser()}
        if last is None or not last.accept_count(reason.strip(), name=name):
            message = _("The last success of %(task)s has no count to accept: nothing was run.")
            self._refuse(message % {"task": task})
        self.stderr.write(_("The count of %(run)s is accepted.") % {"run": last})

    def _queued(self, task: Task) -> Run:
        """The run to wait for: a new one, or the one already active (rule R1)."""
        try:
            run = jobs.queue_run(task, Run.Trigger.COMMAND)
        except RunActiveError as error:
            waiting = _("Waiting for it.")
            self.stderr.write(f"{error} {waiting}")
            return error.run
        except (TaskUnusableError, ConditionError) as error:
            self._refuse(str(error))
        self.stderr.write(_("%(run)s is queued.") % {"run": run})
        return run

    def _see_through(self, run: Run, timeout: float | None) -> None:
        """Wait for the run and, if no worker would execute it, for its On Failure Task (R6)."""
        waiting = Waiting(run, timeout)
        try:
            while waiting.until_over() and not jobs.any_worker_alive():
                following = _failure_run(waiting.run)
                if following is None:
                    break
                params = {"run": waiting.run, "following": following}
                self.stderr.write(_("%(run)s failed: %(following)s follows.") % params)
                waiting = Waiting(following, timeout)
        except KeyboardInterrupt:
            waiting.stop()
        run.refresh_from_db()

    def _refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(UNUSABLE)

    def _print(self, run: Run) -> None:
        succeeded = run.status == Run.Status.SUCCEEDED
        if run.is_active:
            self.stderr.write(_(_STILL_ACTIVE[Run.Status(run.status)]) % {"run": run})
        elif run.suspicion:
            suspicious = _("%(run)s succeeded but is suspicious.") % {"run": run}
            self.stderr.write(f"{suspicious} {run.suspicion}")
        params = {
            "run": run.pk,
            "status": run.status,
            "batches": run.batch_count,
            "file": str(files.run_file(run)) if succeeded else None,
            "sha256": run.file_sha256 if succeeded else None,
            "error": run.error or None,
        }
        self.stdout.write(json.dumps(params))


class Waiting:
    """Waits until a run is over, and executes it in this process if there is no worker."""

    def __init__(self, run: Run, timeout: float | None) -> None:
        self.run = run
        self._deadline = None if timeout is None else time.monotonic() + timeout
        # None: not executed here. An Event, as before Python 3.13 an interrupted Thread.join treats
        # a thread that is still working as ended.
        self._executed: Event | None = None
        self._recovered_at = time.monotonic() - _RECOVER_EVERY

    def until_over(self) -> bool:
        """Return True when the run is over, or False when the time is up first."""
        while self._is_active():
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self.stop()
                return False
            if not self._is_executing() and not jobs.any_worker_alive():
                self._replace_worker()
            self._pause()
        self._finish()
        return True

    def stop(self) -> None:
        """If this process executes the run, cancel it and wait until it has ended."""
        if self._is_executing():
            self.run.cancel()
            self._finish()

    def _replace_worker(self) -> None:
        if time.monotonic() - self._recovered_at >= _RECOVER_EVERY:
            # No other process would recover the runs of a dead worker, perhaps this very run.
            self._recovered_at = time.monotonic()
            recovery.recover()
        self.run.refresh_from_db()
        if self.run.status == Run.Status.QUEUED:
            # In a thread, so that Ctrl-C interrupts this one, which can then cancel the run.
            self._executed = Event()
            Thread(target=self._execute, args=(self.run.attempt, self._executed)).start()

    def _execute(self, attempt: int, executed: Event) -> None:
        try:
            jobs.execute_here(self.run.pk, attempt)
        finally:
            connection.close()
            executed.set()

    def _is_active(self) -> bool:
        self.run.refresh_from_db()
        return self.run.is_active

    def _is_executing(self) -> bool:
        return self._executed is not None and not self._executed.is_set()

    def _pause(self) -> None:
        if self._executed is not None and self._is_executing():
            self._executed.wait(_LOOK_EVERY)
        else:
            time.sleep(_LOOK_EVERY)

    def _finish(self) -> None:
        """Wait until the execution in this process has ended."""
        if self._executed is not None:
            self._executed.wait()


def _wait_for_deliveries(run: Run) -> None:
    """Wait for the first try to deliver the file, as the caller may need it next."""
    if not jobs.any_worker_alive():
        # In a thread, so that a hanging folder cannot block the command for ever.
        Thread(target=_deliver, daemon=True).start()
    deadline = time.monotonic() + _DELIVER_WITHIN
    while run.deliveries.untried().exists() and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY / 5)


def _deliver() -> None:
    try:
        send_due()
    finally:
        connection.close()


def _failure_run(run: Run) -> Run | None:
    """The run of the On Failure Task that was queued when `run` failed."""
    return run.led_to.filter(status=Run.Status.QUEUED).first()


def _exit_code(run: Run) -> int:
    if run.status != Run.Status.SUCCEEDED:
        return FAILED
    return SUSPICIOUS if run.is_suspicious else SUCCEEDED


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 1e9:
        raise ValueError
    return seconds


_seconds.__name__ = _("number of seconds")  # argparse puts it into: invalid number of seconds value


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
