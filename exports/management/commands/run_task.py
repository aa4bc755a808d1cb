"""`manage.py run_task NAME`: queue a run, wait for it, and print its result as one JSON line."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.connectwise.filter.conditions import ConditionError
from exports.management.command_user import command_user
from exports.management.waiting import (
    Waiting,
    failure_run,
    seconds,
    stopped_by_signals,
    wait_for_deliveries,
)
from exports.management.waiting_command import FAILED, SUCCEEDED, SUSPICIOUS, WaitingCommand
from exports.models import Run, Task
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.storage import files
from exports.workers import jobs

_STILL_ACTIVE: Final = {
    Run.Status.QUEUED: gettext_noop("%(run)s is still queued and goes on without this command."),
    Run.Status.RUNNING: gettext_noop("%(run)s is still running and goes on without this command."),
}


class Command(WaitingCommand):
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
            type=seconds,
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

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_start()
        unknown = _("There is no task %(task)s.") % {"task": repr(options["name"])}
        task = self.named(Task, options["name"], unknown)
        if options["accept_count"] is not None:
            self._accept_count(task, options["accept_count"])
        run = self._queued(task)
        with stopped_by_signals():
            self._see_through(run, options["timeout"])
            wait_for_deliveries(run)
        self._print(run)
        sys.exit(_exit_code(run))

    def _accept_count(self, task: Task, reason: str) -> None:
        if not reason.strip() or len(reason) > 200:
            self.refuse(_("--accept-count needs a reason of 1 to 200 characters."))
        last = Run.objects.own_successes(task.pk).first()
        if last is None or not last.accept_count(reason.strip(), name=command_user()):
            message = _("The last success of %(task)s has no count to accept: nothing was run.")
            self.refuse(message % {"task": task})
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
            self.refuse(str(error))
        self.stderr.write(_("%(run)s is queued.") % {"run": run})
        return run

    def _see_through(self, run: Run, timeout: float | None) -> None:
        """Wait for the run and, if no worker would execute it, for its On Failure Task (R6)."""
        waiting = Waiting(run, timeout)
        try:
            while waiting.until_over() and not jobs.any_worker_alive():
                following = failure_run(waiting.run)
                if following is None:
                    break
                params = {"run": waiting.run, "following": following}
                self.stderr.write(_("%(run)s failed: %(following)s follows.") % params)
                waiting = Waiting(following, timeout)
        except KeyboardInterrupt:
            waiting.stop()
        run.refresh_from_db()

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
            "file": files.store().where(run.file_path) if succeeded else None,
            "sha256": run.file_sha256 if succeeded else None,
            "error": run.error or None,
        }
        self.stdout.write(json.dumps(params))


def _exit_code(run: Run) -> int:
    if run.status != Run.Status.SUCCEEDED:
        return FAILED
    return SUSPICIOUS if run.is_suspicious else SUCCEEDED
