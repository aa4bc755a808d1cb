"""What a run takes along of its task, so that history stays true (rule R2)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from exports import clock
from exports.acting import acting_token_name
from exports.models.codes import Activity
from exports.models.errors import TaskUnusableError
from exports.models.runs import Run, RunSummary
from exports.models.sync_window import next_window, reexport_reason

if TYPE_CHECKING:
    from exports.models.tasks import Task


def frozen_run(task: "Task", trigger: str, user: Any, caused_by: Run | None = None) -> Run:
    """The next run of `task`, not saved yet. Raises ConditionError for unusable conditions."""
    sent = task.rendered_conditions()
    window = next_window(task, sent, clock.now())
    connection = task.connection
    return Run(
        task=task,
        task_name=task.name,
        connection=connection,
        trigger=trigger,
        requested_by=user,
        requested_with=acting_token_name(),
        caused_by=caused_by,
        site=connection.site,
        company=connection.company,
        public_key=connection.public_key,
        client_id=connection.effective_client_id(),
        conditions=sent,
        export=task.export,
        date_created_before=task.date_created,
        date_modified_before=task.date_modified,
        page_size=task.page_size,
        output_file=task.output_file,
        include_extra_fields=task.include_extra_fields,
        parallel_requests=connection.parallel_requests,
        can_resume=task.can_resume_from_failure,
        modified_after=window.modified_after,
        created_after=window.created_after,
        start_id=window.start_id,
        skips_known=window.skips_known,
        known_from_run=window.known_from_run,
        window_reason=window.reason,
        activity=Activity.WAITING_FOR_WORKER,
    )


def frozen_reexport(
    task: "Task", user: Any, of_run: Run | RunSummary | None, batch_ids: Iterable[int]
) -> Run:
    """A run of the batches of `of_run` or of `batch_ids`, as they are now, not saved yet (R7)."""
    run = frozen_run(task, Run.Trigger.REEXPORT, user)
    if of_run is not None and (of_run.site, of_run.company) != (run.site, run.company):
        raise TaskUnusableError(
            _(
                "%(run)s exported from %(company)s at %(site)s, not from what the task's "
                "connection reads now, where the same ids are other batches. Choose a "
                "connection to the former company on the task."
            )
            % {"run": of_run, "company": of_run.company, "site": of_run.site}
        )
    run.conditions, run.export, run.skips_known = "", task.Export.ALL, False
    run.modified_after = run.created_after = run.start_id = run.known_from_run = None
    run.reexport_of_id = None if of_run is None else of_run.pk
    run.reexport_ids = sorted(set(batch_ids))
    run.window_reason = reexport_reason(of_run, len(run.reexport_ids))
    return run
