"""`manage.py run_workflow NAME`: run a workflow, wait, and print its result as one JSON line."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.management.waiting import (
    LOOK_EVERY,
    Waiting,
    failure_run,
    seconds,
    stopped_by_signals,
    wait_for_deliveries,
)
from exports.management.waiting_command import FAILED, SUCCEEDED, SUSPICIOUS, WaitingCommand
from exports.models import Run, StepRun, Workflow, WorkflowRun
from exports.models.errors import WorkflowActiveError, WorkflowUnusableError
from exports.storage import files
from exports.workers import jobs
from exports.workers.workflow_jobs import (
    advance_workflow,
    cancel_workflow,
    resume_workflow,
    start_workflow,
)

_STILL_ACTIVE: Final = gettext_noop("%(run)s is not over and goes on without this command.")


class Command(WaitingCommand):
    help = _(
        "Run a workflow and wait for its end; without a worker its steps are executed here. Prints "
        "one JSON line. Exit code: 0 succeeded, 1 failed or cancelled, 2 cannot be run, 3 "
        "succeeded but a step is suspicious."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("The Workflow Name."))
        parser.add_argument(
            "--resume",
            action="store_true",
            help=_("Go on at the step that failed, if the last run of the workflow failed."),
        )
        parser.add_argument(
            "--timeout",
            metavar="SECONDS",
            type=seconds,
            help=_(
                "Wait no longer; a workflow executed here is cancelled then, one that workers "
                "execute goes on."
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_start()
        unknown = _("There is no workflow %(workflow)s.") % {"workflow": repr(options["name"])}
        workflow = self.named(Workflow, options["name"], unknown)
        workflow_run = self._started(workflow, options["resume"])
        with stopped_by_signals():
            _see_through(workflow_run, options["timeout"])
            for step in _steps(workflow_run):
                if step.run is not None and not step.is_kept:
                    wait_for_deliveries(step.run)
        self._print(workflow_run)
        sys.exit(_exit_code(workflow_run))

    def _started(self, workflow: Workflow, is_resumed: bool) -> WorkflowRun:
        """The run to wait for: a new or resumed one, or the one already active (rule K1)."""
        try:
            if is_resumed:
                workflow_run = self._resumed(workflow)
            else:
                workflow_run = start_workflow(workflow, WorkflowRun.Trigger.COMMAND)
        except WorkflowActiveError as error:
            waiting = _("Waiting for it.")
            self.stderr.write(f"{error} {waiting}")
            return error.workflow_run
        except WorkflowUnusableError as error:
            self.refuse(str(error))
        self.stderr.write(_("%(run)s is queued.") % {"run": workflow_run})
        return workflow_run

    def _resumed(self, workflow: Workflow) -> WorkflowRun:
        last = workflow.last_run()
        if last is None:
            sentence = _("%(workflow)s has not run yet, so there is nothing to resume.")
            self.refuse(sentence % {"workflow": workflow})
        return resume_workflow(last)

    def _print(self, workflow_run: WorkflowRun) -> None:
        if workflow_run.is_active:
            self.stderr.write(_(_STILL_ACTIVE) % {"run": workflow_run})
        params = {
            "workflow_run": workflow_run.pk,
            "status": workflow_run.status,
            "steps": [_as_json(step) for step in _steps(workflow_run)],
            "error": workflow_run.error or None,
        }
        self.stdout.write(json.dumps(params))


def _see_through(workflow_run: WorkflowRun, timeout: float | None) -> None:
    """Wait for its end; without a worker, advance it and execute its steps here."""
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while _is_active(workflow_run):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                _stop(workflow_run)
                break
            advance_workflow(workflow_run.pk)
            _wait_for_step(workflow_run, left)
    except KeyboardInterrupt:
        _stop(workflow_run)
    workflow_run.refresh_from_db()


def _is_active(workflow_run: WorkflowRun) -> bool:
    workflow_run.refresh_from_db()
    return workflow_run.is_active


def _wait_for_step(workflow_run: WorkflowRun, left: float | None) -> None:
    """Wait a moment or, without a worker, execute the run that the workflow waits for."""
    open_states = (StepRun.State.RUNNING, StepRun.State.WAITING)
    step = workflow_run.steps.filter(state__in=open_states).order_by("position").first()
    if step is None:
        return
    run = step.run or (step.task.active_run() if step.task else None)
    if run is None or jobs.any_worker_alive():
        time.sleep(LOOK_EVERY)
        return
    is_over = _execute(run, left)
    # Nobody else would execute the On Failure Task of a step (R6).
    following = failure_run(run) if is_over else None
    if following is not None:
        _execute(following, left)


def _execute(run: Run, left: float | None) -> bool:
    waiting = Waiting(run, left)
    try:
        return waiting.until_over()
    except KeyboardInterrupt:
        waiting.stop()
        raise


def _stop(workflow_run: WorkflowRun) -> None:
    """Without a worker nothing would go on, so the workflow is cancelled."""
    if not jobs.any_worker_alive():
        cancel_workflow(workflow_run)


def _steps(workflow_run: WorkflowRun) -> list[StepRun]:
    return list(workflow_run.steps.select_related("run").order_by("position"))


def _as_json(step: StepRun) -> dict[str, Any]:
    run = step.run
    has_file = run is not None and run.status == Run.Status.SUCCEEDED
    return {
        "position": step.position,
        "task": step.task_name,
        "state": step.state,
        "run": run.pk if run else None,
        "batches": run.batch_count if run else None,
        "file": files.store().where(run.file_path) if run and has_file else None,
        "reason": step.reason or None,
    }


def _exit_code(workflow_run: WorkflowRun) -> int:
    if workflow_run.status != WorkflowRun.Status.SUCCEEDED:
        return FAILED
    is_suspicious = any(step.run and step.run.is_suspicious for step in _steps(workflow_run))
    return SUSPICIOUS if is_suspicious else SUCCEEDED
