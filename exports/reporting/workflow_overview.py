"""All workflows at a glance: their steps, what runs now, and how they last ended.

For the list of workflows; the number of queries is the same however many there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, Q, Subquery

from exports.models import StepRun, Workflow, WorkflowRun, WorkflowStep


@dataclass(frozen=True)
class WorkflowLine:
    workflow: Workflow
    active_run: WorkflowRun | None
    # The step that the active run is at.
    present_step: StepRun | None
    last_run: WorkflowRun | None

    @property
    def is_failed(self) -> bool:
        return self.last_run is not None and self.last_run.status == WorkflowRun.Status.FAILED

    @property
    def is_resumable(self) -> bool:
        return self.is_failed and self.active_run is None and may_resume(self.workflow)


def may_resume(workflow: Workflow) -> bool:
    """Whether a run of it that failed, and is its newest, offers Resume (K3)."""
    return workflow.can_resume_from_failure and workflow.enabled and workflow.archived_at is None


def workflow_lines(*, archived: bool = False) -> list[WorkflowLine]:
    """All workflows by name, those that are archived or all others."""
    steps = WorkflowStep.objects.select_related("task").order_by("position")
    workflows = Workflow.objects.filter(archived_at__isnull=not archived).order_by("name")
    shown = list(workflows.prefetch_related(Prefetch("steps", steps)))
    newest = _newest_runs([workflow.pk for workflow in shown])
    present = _present_steps(run for run in newest if run.is_active)
    active = {run.workflow_id: run for run in newest if run.is_active}
    over = {run.workflow_id: run for run in newest if not run.is_active}
    return [
        WorkflowLine(
            workflow=workflow,
            active_run=active.get(workflow.pk),
            present_step=present.get(active[workflow.pk].pk) if workflow.pk in active else None,
            last_run=over.get(workflow.pk),
        )
        for workflow in shown
    ]


def _newest_runs(workflows: list[int]) -> list[WorkflowRun]:
    """The newest run that is over, and the active one, of each of these workflows."""
    own = WorkflowRun.objects.filter(workflow=OuterRef("pk"))
    ended = own.exclude(status__in=WorkflowRun.ACTIVE).order_by("-id").values("pk")[:1]
    # By a look into the index for each workflow: it may have run a hundred thousand times.
    over = Workflow.objects.filter(pk__in=workflows).values_list(Subquery(ended), flat=True)
    wanted = Q(pk__in=[pk for pk in over if pk]) | Q(status__in=WorkflowRun.ACTIVE)
    runs = WorkflowRun.objects.filter(wanted, workflow__in=workflows)
    return list(runs.select_related("requested_by"))


def _present_steps(runs: Iterable[WorkflowRun]) -> dict[int, StepRun]:
    open_states = (StepRun.State.RUNNING, StepRun.State.WAITING)
    steps = StepRun.objects.filter(workflow_run__in=[run.pk for run in runs], state__in=open_states)
    found: dict[int, StepRun] = {}
    for step in steps.order_by("position"):
        found.setdefault(step.workflow_run_id, step)
    return found
