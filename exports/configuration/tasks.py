"""The tasks of a configuration file, compared with the stored ones (rules O1, R6, W8)."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.entries import Entry
from exports.configuration.filters import read_conditions, shown_rows, take_row_errors
from exports.configuration.known_names import nearest
from exports.configuration.plans import Findings, Plan, check_repeated_names, shown
from exports.configuration.reports import typed_report
from exports.connectwise.filter.conditions import Condition
from exports.forms.conditions import row_data
from exports.forms.dates import DATES
from exports.forms.reports import REPORT_FIELDS
from exports.forms.tasks import TaskForm, circle_sentence
from exports.forms.utc_input import canonical
from exports.models import Channel, Connection, Task
from exports.models.tasks import circle_from

# Fields that get their default when the file does not mention them, as the file defines the task.
# `enabled`, the connection and the dates stay, since people and runs change them every day.
_WITH_DEFAULT: Final = (
    "page_size",
    "include_extra_fields",
    "references_to_fetch_page_size",
    "can_resume_from_failure",
    "break_on_failure",
    "success_within_hours",
    "tags",
)
_DEFAULTS: Final = Task()
_REQUIRED: Final = ("name", "export", "output_file")
# In the order in which changes are reported.
_FIELDS: Final = (
    "export",
    "date_created",
    "date_modified",
    "name",
    "output_file",
    "enabled",
    *_WITH_DEFAULT,
    *REPORT_FIELDS,
)


@dataclass(frozen=True)
class Surroundings:
    """What tasks are compared with: the stored rows and the planned connections."""

    tasks: Mapping[str, Task]
    connections: Mapping[str, Connection]
    default_connection: Connection | None
    sets_dates: bool
    channels: Mapping[str, Channel] = field(default_factory=dict)

    def open_tasks(self) -> dict[str, Task]:
        return {name: task for name, task in self.tasks.items() if task.archived_at is None}


@dataclass
class TaskPlan(Plan[Task]):
    """A task's plan; `before` is the task as it was, None for a new one."""

    before: Task | None = None
    conditions: tuple[Condition, ...] | None = None
    on_failure_task: Task | None = None


def plan_tasks(
    entries: Iterable[Entry], around: Surroundings, findings: Findings
) -> list[TaskPlan]:
    """One plan for each entry; valid ones are saved, in the caller's transaction.

    Each is saved before the next is planned, so that the form sees it.
    """
    entries = list(entries)
    _free_output_files(entries, around)
    plans = [_plan(entry, around, findings) for entry in entries]
    check_repeated_names(
        plans, gettext_noop("%(name)s is the name of the task on line %(line)s already.")
    )
    _plan_on_failure_tasks(plans, around)
    return plans


def _free_output_files(entries: Iterable[Entry], around: Surroundings) -> None:
    """Let two tasks swap their files: for a moment, neither has one the other needs."""
    for entry in entries:
        task = around.open_tasks().get(entry.values.get("name", ""))
        if task is not None and "output_file" in entry.values:
            name = f"{task.unique_id}.xml"
            Task.objects.filter(pk=task.pk).update(output_file=name, output_file_key=name)


def _plan(entry: Entry, around: Surroundings, findings: Findings) -> TaskPlan:
    row = around.tasks.get(entry.values.get("name", ""))
    plan = TaskPlan(entry, row or Task(), row is None, findings, before=copy(row))
    if plan.row.archived_at is not None:
        message = _("%(task)s is archived: restore it or take another name.")
        plan.add_error("name", message % {"task": plan.row.name})
        return plan
    _plan_connection(plan, around)
    stored = () if plan.is_new else plan.row.saved_conditions()
    written = entry.values.get("conditions", ())
    rows = None if entry.is_unreadable("conditions") else read_conditions(written)
    if rows is None:
        plan.wrong_keys.add("conditions")
    instance = None if plan.is_new else copy(plan.row)
    form = TaskForm(instance=instance, data=_typed(plan, stored if rows is None else rows, around))
    form.is_valid()
    _take_errors(plan, form, written if rows is not None else ())
    for name in _FIELDS:
        if name in form.cleaned_data:
            plan.change(name, name, form.cleaned_data[name])
    _plan_conditions(plan, stored, form.rows.conditions())
    if not plan.wrong_keys:
        for name, sentence in form.date_warnings().items():
            if name in entry.lines:
                plan.warn(name, sentence)
        _save(plan)
    return plan


def _typed(plan: TaskPlan, rows: Sequence[Condition], around: Surroundings) -> dict[str, str]:
    """The entry as form data; what it does not mention gets its default or stays."""
    entry, typed = plan.entry, row_data(rows)
    for name in (*_REQUIRED, "enabled", *_WITH_DEFAULT):
        is_default = name in _WITH_DEFAULT and name not in entry.lines
        stored = getattr(_DEFAULTS if is_default else plan.row, name)
        value = entry.values.get(name, stored)
        if value is not False:
            typed[name] = "on" if value is True else "" if value is None else str(value)
    typed["export"] = typed["export"].lower()
    typed |= typed_report(plan, around.channels)
    if hasattr(plan.row, "connection") and plan.row.connection.pk is not None:
        typed["connection"] = str(plan.row.connection.pk)
    typed |= {f"{name}_shown": canonical(getattr(plan.row, name)) for name in DATES}
    # Runs move the dates of an existing task; only `--set-dates` sets them from the file (W8).
    sets_dates = plan.is_new or around.sets_dates
    for name in DATES:
        written = entry.values.get(name) if sets_dates else None
        typed[name] = written or typed[f"{name}_shown"]
    return typed | {"date_reason": "load_config"}


def _take_errors(plan: TaskPlan, form: TaskForm, entries: Sequence[Entry]) -> None:
    missing = [name for name in _REQUIRED if name not in plan.entry.lines]
    # A missing, unknown or invalid connection was reported before.
    is_chosen = "connection" in form.data
    plan.take_errors(form, skipped=missing if is_chosen else [*missing, "connection"])
    if "conditions" not in plan.wrong_keys:
        before = len(plan.findings.problems)
        for sentence in take_row_errors(form.rows, entries, plan.findings):
            plan.add_error("conditions", sentence)
        if len(plan.findings.problems) > before:
            plan.wrong_keys.add("conditions")


def _plan_conditions(
    plan: TaskPlan, before: tuple[Condition, ...], after: tuple[Condition, ...]
) -> None:
    plan.conditions = after
    if after != before:
        plan.note("conditions", shown_rows(before), shown_rows(after))


def _save(plan: TaskPlan) -> None:
    # Saved even without `changes`, as _free_output_files may have cleared the file's name.
    if plan.is_new or plan.changes:
        plan.row.sign("load_config")
    plan.row.save()
    if plan.conditions is not None and plan.conditions != plan.row.saved_conditions():
        plan.row.replace_conditions(plan.conditions)
    plan.row.record_typed_dates(plan.before, None, reason="load_config")


def _plan_connection(plan: TaskPlan, around: Surroundings) -> None:
    before = plan.before.connection if plan.before else None
    if "connection" in plan.entry.lines:
        name = plan.entry.values.get("connection")
        chosen = around.connections.get(name or "")
        if name is not None and chosen is None:
            unknown = _("There is no connection %(connection)s.") % {"connection": shown(name)}
            plan.add_error("connection", f"{unknown} {nearest(name, list(around.connections))}")
    else:
        chosen = before or around.default_connection
        if chosen is None:
            plan.add_error("connection", _("Name a connection: there is no default one."))
    if chosen is None:
        return
    # Use the row in `around`, which this file may have changed, not the task's own copy.
    plan.row.connection = around.connections.get(chosen.name, chosen)
    if before and before.name != chosen.name:
        plan.note("connection", before, chosen)
        if (before.site, before.company) != (chosen.site, chosen.company):
            plan.warn(
                "connection",
                _("%(task)s starts anew: what went out before belongs to another company.")
                % {"task": plan.row.name},
            )


def _plan_on_failure_tasks(plans: list[TaskPlan], around: Surroundings) -> None:
    rows = around.open_tasks() | {plan.row.name: plan.row for plan in plans}
    names = {task.pk: task.name for task in around.tasks.values()}
    edges = {task.name: names.get(task.on_failure_task_id or 0) for task in around.tasks.values()}
    for plan in plans:
        if plan.entry.is_unreadable("on_failure_task"):
            continue
        before = edges.get(plan.row.name)
        name = plan.entry.values.get("on_failure_task") or None
        # A task archived after it was chosen stays chosen.
        plan.on_failure_task = rows.get(name or "") or (
            around.tasks.get(name or "") if name == before else None
        )
        edges[plan.row.name] = name
        if name and plan.on_failure_task is None:
            unknown = _("There is no task %(task)s.") % {"task": shown(name)}
            plan.add_error("on_failure_task", f"{unknown} {nearest(name, list(rows))}")
        elif name != before:
            plan.note("on_failure_task", before, name)
    _save_on_failure_tasks(plans, edges)


def _save_on_failure_tasks(plans: list[TaskPlan], edges: Mapping[str, str | None]) -> None:
    """Saved last, as only now every task that may be named has a row."""
    reported: set[str] = set()
    for plan in plans:
        way = circle_from(plan.row.name, edges)
        if way and not reported.intersection(way):
            reported.update(way)
            plan.add_error("on_failure_task", circle_sentence(way))
        elif not plan.wrong_keys and plan.row.on_failure_task != plan.on_failure_task:
            plan.row.on_failure_task = plan.on_failure_task
            plan.row.sign("load_config")
            plan.row.save(update_fields=["on_failure_task", "updated_at", "updated_by"])
