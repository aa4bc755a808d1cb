"""The workflows of a configuration file, compared with the stored ones (rule K1)."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.entries import Entry, Name, Problem
from exports.configuration.known_names import nearest
from exports.configuration.plans import Findings, Plan, check_repeated_names, shown
from exports.configuration.reports import typed_report
from exports.forms.reports import REPORT_FIELDS
from exports.forms.workflow_steps import STEP
from exports.forms.workflows import WorkflowForm
from exports.models import Channel, Task, Workflow

_REQUIRED: Final = ("name", "steps")
# Gets its default when the file does not mention it; `enabled` stays, as people change it.
_WITH_DEFAULT: Final = "can_resume_from_failure"
_FIELDS: Final = ("name", "enabled", "can_resume_from_failure", *REPORT_FIELDS)


@dataclass
class WorkflowPlan(Plan[Workflow]):
    before: list[Task] = field(default_factory=list)


def plan_workflows(
    entries: Iterable[Entry],
    task_entries: Iterable[Entry],
    channels: Mapping[str, Channel],
    findings: Findings,
) -> list[WorkflowPlan]:
    """One plan for each entry; valid ones are saved, in the caller's transaction.

    The tasks of the file are stored by now, except those with an error of their own.
    """
    tasks = {task.name: task for task in Task.objects.order_by("pk")}
    rows = {workflow.name: workflow for workflow in Workflow.objects.select_for_update(no_key=True)}
    wrong = {entry.values.get("name") for entry in task_entries} - tasks.keys()
    plans: list[WorkflowPlan] = []
    for entry in entries:
        name = entry.values.get("name", "")
        is_repeated = any(plan.row.name == name for plan in plans)
        row = rows.get(name)
        before = row.tasks() if row else []
        plan = WorkflowPlan(entry, row or Workflow(), row is None, findings, before=before)
        if not is_repeated:
            _plan(plan, tasks, wrong, channels)
        plans.append(plan)
    check_repeated_names(
        plans, gettext_noop("%(name)s is the name of the workflow on line %(line)s already.")
    )
    return plans


def _plan(
    plan: WorkflowPlan,
    tasks: dict[str, Task],
    wrong: set[str | None],
    channels: Mapping[str, Channel],
) -> None:
    if plan.row.archived_at is not None:
        message = _("%(workflow)s is archived: restore it or take another name.")
        plan.add_error("name", message % {"workflow": plan.row.name})
        return
    steps = _steps(plan, tasks, wrong)
    instance = None if plan.is_new else copy(plan.row)
    form = WorkflowForm(instance=instance, data=_typed(plan, steps, channels))
    form.is_valid()
    missing = [name for name in _REQUIRED if name not in plan.entry.lines]
    plan.take_errors(form, skipped=missing)
    if "steps" in plan.entry.values and "steps" not in plan.wrong_keys:
        for sentence in form.steps.errors():
            plan.add_error("steps", sentence)
    for name in _FIELDS:
        if name in form.cleaned_data:
            plan.change(name, name, form.cleaned_data[name])
    if steps != plan.before:
        plan.note("steps", _on_one_line(plan.before), _on_one_line(steps))
    if not plan.wrong_keys and not missing and "steps" in plan.entry.values:
        _save(plan, steps)


def _steps(plan: WorkflowPlan, tasks: dict[str, Task], wrong: set[str | None]) -> list[Task]:
    """The tasks of the steps; each unknown name is reported at its line."""
    known = [task.name for task in tasks.values() if task.archived_at is None]
    found = []
    names: tuple[Name, ...] = plan.entry.values.get("steps", ())
    for name in names:
        task = tasks.get(name.text)
        if task is not None and (task.archived_at is None or task in plan.before):
            found.append(task)
            continue
        plan.wrong_keys.add("steps")
        if name.text in wrong:
            continue  # the task's own error was reported
        if task is not None:
            sentence = _("%(task)s is archived: restore it, or leave it out.")
            problem = sentence % {"task": task.name}
        else:
            unknown = _("There is no task %(task)s.") % {"task": shown(name.text)}
            problem = f"{unknown} {nearest(name.text, known)}"
        plan.findings.problems.append(Problem(name.line, problem))
    return found


def _typed(plan: WorkflowPlan, steps: list[Task], channels: Mapping[str, Channel]) -> QueryDict:
    """The entry as form data; what it does not mention gets its default or stays."""
    values, typed = plan.entry.values, QueryDict(mutable=True)
    typed["name"] = values.get("name", plan.row.name)
    typed.setlist(STEP, [str(task.pk) for task in steps])
    default = Workflow() if _WITH_DEFAULT not in plan.entry.lines else plan.row
    flags = {
        "enabled": values.get("enabled", plan.row.enabled),
        _WITH_DEFAULT: values.get(_WITH_DEFAULT, getattr(default, _WITH_DEFAULT)),
    }
    for name, value in flags.items():
        if value:
            typed[name] = "on"
    typed.update(typed_report(plan, channels))
    return typed


def _save(plan: WorkflowPlan, steps: list[Task]) -> None:
    if not plan.is_new and not plan.changes:
        return
    plan.row.sign("load_config")
    plan.row.save()
    if steps != plan.before:
        plan.row.replace_steps(steps)


def _on_one_line(tasks: list[Task]) -> str:
    return ", ".join(task.name for task in tasks)
