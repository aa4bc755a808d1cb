"""The tasks of a configuration file, held against those there are (rules O1, R6, W8)."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.filters import read_conditions, shown_rows, url_problem
from exports.configuration.plans import Findings, Plan, refuse_repeated_names, shown
from exports.configuration.reading import Entry, nearest
from exports.connectwise.filter.conditions import Condition
from exports.connectwise.http.addresses import SiteError
from exports.models import Connection, DateChange, Task
from exports.storage.file_names import OutputNameError, check_output_name, name_key

# Left out of the file, these have their default: the file says what a task is. `enabled`, the
# connection and the dates stay, since people and runs change them from day to day.
_WITH_DEFAULT: Final = (
    "page_size",
    "include_extra_fields",
    "references_to_fetch_page_size",
    "can_resume_from_failure",
    "break_on_failure",
)
_DEFAULTS: Final = Task()
_PLAIN: Final = ("name", "output_file", "enabled", *_WITH_DEFAULT)
_JUDGED: Final = {name: name for name in _PLAIN if name != "output_file"}


@dataclass(frozen=True)
class Surroundings:
    """What tasks are held against: the rows there are and the connections there will be."""

    tasks: Mapping[str, Task]
    connections: Mapping[str, Connection]
    default_connection: Connection | None
    sets_dates: bool
    now: datetime

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
    """One plan for each entry; nothing is saved."""
    plans = [_plan(entry, around, findings) for entry in entries]
    refuse_repeated_names(
        plans, gettext_noop("%(name)s is the name of the task on line %(line)s already.")
    )
    _refuse_shared_output_files(plans, around)
    _plan_on_failure_tasks(plans, around)
    return plans


def save_tasks(plans: Iterable[TaskPlan]) -> None:
    """Write what was planned, in the caller's transaction; the connections are saved already."""
    changed = [plan for plan in plans if plan.is_new or plan.changes]
    for plan in changed:
        # Two tasks may swap their files: for a moment neither has one that the other wants.
        Task.objects.filter(pk=plan.row.pk).update(output_file=f"{plan.row.unique_id}.xml")
    for plan in changed:
        plan.row.save()
        plan.row.replace_conditions(plan.conditions or ())
        plan.row.record_typed_dates(plan.before, None, reason="load_config")
    for plan in changed:
        # Only now every task that may be named here has a row.
        plan.row.on_failure_task = plan.on_failure_task
        plan.row.save(update_fields=["on_failure_task"])


def _plan(entry: Entry, around: Surroundings, findings: Findings) -> TaskPlan:
    row = around.tasks.get(entry.values.get("name", ""))
    plan = TaskPlan(entry, row or Task(), row is None, findings, before=copy(row))
    if plan.row.archived_at is not None:
        message = _("%(task)s is archived: restore it or take another name.")
        plan.refuse("name", message % {"task": plan.row.name})
    _plan_connection(plan, around)
    _plan_export(plan)
    _plan_dates(plan, around)
    for name in _PLAIN:
        if name in entry.values:
            plan.change(name, name, entry.values[name])
        elif name in _WITH_DEFAULT and name not in entry.lines:
            plan.change(name, name, getattr(_DEFAULTS, name))
    plan.check_row(_JUDGED)
    _check_output_file(plan)
    _plan_conditions(plan)
    return plan


def _plan_connection(plan: TaskPlan, around: Surroundings) -> None:
    before = plan.before.connection if plan.before else None
    if "connection" in plan.entry.lines:
        name = plan.entry.values.get("connection")
        chosen = around.connections.get(name or "")
        if name is not None and chosen is None:
            unknown = _("There is no connection %(connection)s.") % {"connection": shown(name)}
            plan.refuse("connection", f"{unknown} {nearest(name, list(around.connections))}")
    else:
        chosen = before or around.default_connection
        if chosen is None:
            plan.refuse("connection", _("Name a connection: there is no default one."))
    if chosen is None:
        return
    # The row in `around` is the one this file may have changed, not the task's own copy.
    plan.row.connection = around.connections.get(chosen.name, chosen)
    if before and before.name != chosen.name:
        plan.note("connection", before, chosen)
        if (before.site, before.company) != (chosen.site, chosen.company):
            plan.warn(
                "connection",
                _("%(task)s starts anew: what went out before belongs to another company.")
                % {"task": plan.row.name},
            )


def _plan_export(plan: TaskPlan) -> None:
    if "export" not in plan.entry.values:
        return
    export = plan.entry.values["export"].lower()
    if export not in Task.Export.values:
        message = _("export is %(text)s: write modified, new or all.")
        plan.refuse("export", message % {"text": shown(export)})
    else:
        plan.change("export", "export", export)


def _plan_dates(plan: TaskPlan, around: Surroundings) -> None:
    """Dates belong to the runs once a task is there; only `--set-dates` types them anew (W8)."""
    for key in DateChange.DateField.values:
        date = plan.entry.values.get(key)
        before = getattr(plan.row, key).replace(microsecond=0)
        if date is None or date == before or not (plan.is_new or around.sets_dates):
            continue
        if not plan.is_new and plan.row.active_run() is not None:
            message = _("%(key)s cannot be set while %(run)s is not over.")
            plan.refuse(key, message % {"key": key, "run": plan.row.active_run()})
            continue
        plan.change(key, key, date)
        if date > around.now:
            message = _("%(key)s lies in the future: nothing is exported until then.")
            plan.warn(key, message % {"key": key})


def _check_output_file(plan: TaskPlan) -> None:
    if "output_file" not in plan.entry.values:
        return
    try:
        check_output_name(plan.row.output_file, plan.row.name)
    except OutputNameError as error:
        plan.refuse("output_file", error)


def _plan_conditions(plan: TaskPlan) -> None:
    if plan.entry.is_unreadable("conditions"):
        return
    rows = read_conditions(plan.entry.values.get("conditions", ()), plan.findings)
    if rows is None:
        return
    plan.conditions = rows
    before = () if plan.is_new else plan.row.saved_conditions()
    if rows != before:
        plan.note("conditions", shown_rows(before), shown_rows(rows))
    if hasattr(plan.row, "connection"):
        _check_length(plan, rows)


def _check_length(plan: TaskPlan, rows: tuple[Condition, ...]) -> None:
    connection = plan.row.connection
    if not connection.site:
        return  # new in this file, and its site was refused already
    try:
        problem = url_problem(rows, connection, plan.row.page_size)
    except SiteError as error:
        message = _("The site of %(connection)s cannot be called now. %(reason)s")
        plan.refuse("connection", message % {"connection": connection, "reason": error})
    else:
        if problem:
            plan.refuse("conditions", problem)


def _refuse_shared_output_files(plans: list[TaskPlan], around: Surroundings) -> None:
    planned = {plan.row.pk for plan in plans if not plan.is_new}
    users = {
        name_key(task.output_file): task.name
        for task in around.open_tasks().values()
        if task.pk not in planned
    }
    for plan in plans:
        name = plan.entry.values.get("output_file")
        if not name:
            continue
        if name_key(name) in users:
            params = {"file": name, "task": users[name_key(name)]}
            message = _("%(file)s is the output file of the task %(task)s already.")
            plan.refuse("output_file", message % params)
        else:
            users[name_key(name)] = plan.row.name


def _plan_on_failure_tasks(plans: list[TaskPlan], around: Surroundings) -> None:
    rows = around.open_tasks() | {plan.row.name: plan.row for plan in plans}
    names = {task.pk: task.name for task in around.tasks.values()}
    edges = {task.name: names.get(task.on_failure_task_id or 0) for task in around.tasks.values()}
    for plan in plans:
        if plan.entry.is_unreadable("on_failure_task"):
            continue
        before = edges.get(plan.row.name)
        name = plan.entry.values.get("on_failure_task") or None
        # A task that was archived after it was chosen stays chosen.
        plan.on_failure_task = rows.get(name or "") or (
            around.tasks.get(name or "") if name == before else None
        )
        edges[plan.row.name] = name
        if name and plan.on_failure_task is None:
            unknown = _("There is no task %(task)s.") % {"task": shown(name)}
            plan.refuse("on_failure_task", f"{unknown} {nearest(name, list(rows))}")
        elif name != before:
            plan.note("on_failure_task", before, name)
    _refuse_circles(plans, edges)


def _refuse_circles(plans: list[TaskPlan], edges: Mapping[str, str | None]) -> None:
    reported: set[str] = set()
    for plan in plans:
        path = [plan.row.name]
        while (following := edges.get(path[-1])) and following not in path:
            path.append(following)
        if following == plan.row.name and not reported.intersection(path):
            reported.update(path)
            way = " → ".join([*path, path[0]])
            message = _("On Failure Tasks run in a circle: %(way)s.")
            plan.refuse("on_failure_task", message % {"way": way})
