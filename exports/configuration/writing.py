"""Writes connections and tasks as a configuration file that `load_config` can read."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import yaml

from exports.configuration.connections import KEY_PREFIX
from exports.configuration.plans import as_moment
from exports.configuration.reports import written_report
from exports.delivery.registry import find_kind as find_destination_kind
from exports.models import Channel, Connection, Destination, Schedule, Task, Workflow
from exports.notifications.registry import find_kind


def current_configuration() -> str:
    """The YAML of all connections, and of the tasks and workflows not archived; no private keys."""
    connections = Connection.objects.order_by("name")
    tasks = Task.objects.filter(archived_at=None).select_related(
        "connection", "on_failure_task", "report_channel"
    )
    variables: set[str] = set()
    content: dict[str, Any] = {
        "connections": list(_connections(connections, variables)),
        "tasks": [_task(task) for task in tasks.order_by("name")],
    }
    if workflows := [_workflow(row) for row in _workflows()]:
        content["workflows"] = workflows
    if channels := list(_channels(variables)):
        content["channels"] = channels
    if destinations := list(_destinations(variables)):
        content["destinations"] = destinations
    if schedules := list(_schedules()):
        content["schedules"] = schedules
    # Unlimited width: no text is wrapped, and a condition stays on its line.
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )


class _Row(dict[str, str]):
    """A condition, written on one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists are indented below their key, as people write them.
        super().increase_indent(flow, False)


def _represent_moment(dumper: yaml.SafeDumper, moment: datetime) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", as_moment(moment))


def _represent_row(dumper: yaml.SafeDumper, row: _Row) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", row.items(), flow_style=True)


_Dumper.add_representer(datetime, _represent_moment)
_Dumper.add_representer(_Row, _represent_row)


def _connections(rows: Iterable[Connection], variables: set[str]) -> Iterable[dict[str, Any]]:
    for row in rows:
        variable = _variable(row.name, variables)
        variables.add(variable)
        written: dict[str, Any] = {
            "name": row.name,
            "site": row.site,
            "company": row.company,
            "public_key": row.public_key,
            "private_key_env": variable,
        }
        if row.client_id:
            written["client_id"] = row.client_id
        written["parallel_requests"] = row.parallel_requests
        yield written | {"default": row.is_default}


def _variable(name: str, taken: set[str]) -> str:
    """`CWEXPORT_KEY_ACME`: a name that every shell accepts and no other connection has."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    stem = re.sub(r"[^A-Z0-9]+", "_", ascii_name).strip("_") or "CONNECTION"
    variable, number = f"{KEY_PREFIX}{stem}", 2
    while variable in taken:
        variable, number = f"{KEY_PREFIX}{stem}_{number}", number + 1
    return variable


def _task(row: Task) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": row.name,
        "connection": row.connection.name,
        **({"tags": row.tags} if row.tags else {}),
        "export": row.export,
        "date_created": row.date_created,
        "date_modified": row.date_modified,
        "page_size": row.page_size,
        "output_file": row.output_file,
        "include_extra_fields": row.include_extra_fields,
    }
    conditions = [_condition(typed) for typed in row.saved_conditions()]
    if conditions:
        written["conditions"] = conditions
    written["references_to_fetch_page_size"] = row.references_to_fetch_page_size
    written["enabled"] = row.enabled
    written["can_resume_from_failure"] = row.can_resume_from_failure
    if row.on_failure_task:
        written["on_failure_task"] = row.on_failure_task.name
    written["break_on_failure"] = row.break_on_failure
    if row.success_within_hours is not None:
        written["success_within_hours"] = row.success_within_hours
    return written | written_report(row) | _uses(row)


def _uses(row: Task) -> dict[str, Any]:
    """Where the files go, unless that is the export folder alone, as by default."""
    rows = row.task_destinations.select_related("destination").order_by("destination__name")
    uses = []
    for use in rows:
        written: dict[str, Any] = {"destination": use.destination.name}
        if use.name_template:
            written["file_name"] = use.name_template
        if use.sends_empty:
            written["sends_empty"] = True
        uses.append(written)
    is_default = len(uses) == 1 and len(uses[0]) == 1 and rows[0].destination.is_export_folder
    return {} if is_default else {"destinations": uses}


def _channels(taken: set[str]) -> Iterable[dict[str, Any]]:
    """Channels, each secret as the name of a variable that `load_config` will read."""
    rows = Channel.objects.prefetch_related("subscriptions", "tasks").order_by("name")
    for row in rows:
        kind = find_kind(row.kind)
        if kind is None:
            continue
        written: dict[str, Any] = {"name": row.name, "kind": row.kind, "language": row.language}
        written["enabled"] = row.is_enabled
        if row.settings:
            written["settings"] = dict(row.settings)
        variables = {}
        for name in kind.secret_names:
            variables[name] = _variable(f"{row.name} {name}", taken)
            taken.add(variables[name])
        if variables:
            written["secrets_env"] = variables
        written["events"] = sorted(one.code for one in row.subscriptions.all())
        if not row.is_for_all:
            tasks = row.tasks.all()
            written["tasks"] = sorted(one.name for one in tasks if one.archived_at is None)
        yield written


def _destinations(taken: set[str]) -> Iterable[dict[str, Any]]:
    """Destinations but the export folder, each secret as the name of a variable."""
    for row in Destination.objects.order_by("name"):
        kind = find_destination_kind(row.kind)
        if kind is None or row.is_export_folder:
            continue
        written: dict[str, Any] = {"name": row.name, "kind": row.kind}
        written["settings"] = {name: _setting(value) for name, value in row.address.items()}
        variables = {}
        for name in kind.secret_names:
            variables[name] = _variable(f"{row.name} {name}", taken)
            taken.add(variables[name])
        if variables:
            written["secrets_env"] = variables
        yield written


def _setting(value: Any) -> Any:
    return str(value) if not isinstance(value, bool) else value


def _schedules() -> Iterable[dict[str, Any]]:
    """Those of tasks that are not archived, and of the workflows that are written."""
    kept = Schedule.objects.kept().select_related("task", "workflow")
    workflows = {row.pk for row in _workflows()}
    in_use = [
        row
        for row in kept
        if (row.workflow_id in workflows if row.task is None else row.task.archived_at is None)
    ]
    for row in sorted(in_use, key=lambda row: (row.target.name, row.pk)):
        kind = "task" if row.task_id is not None else "workflow"
        written: dict[str, Any] = {
            kind: row.target.name,
            "cron": row.cron,
            "zone": row.zone,
            "catch_up": row.catch_up,
            "grace_minutes": row.grace_minutes,
        }
        yield written | ({"paused": True} if row.is_paused else {})


def _workflows() -> list[Workflow]:
    """Those that are not archived and still have a step that runs: `load_config` wants one."""
    rows = Workflow.objects.filter(archived_at=None).select_related("report_channel")
    return [row for row in rows.order_by("name") if _open_steps(row)]


def _workflow(row: Workflow) -> dict[str, Any]:
    return {
        "name": row.name,
        "steps": _open_steps(row),
        "enabled": row.enabled,
        "can_resume_from_failure": row.can_resume_from_failure,
        **written_report(row),
    }


def _open_steps(row: Workflow) -> list[str]:
    """Without archived tasks: a file cannot name them, and they are skipped in any case."""
    return [task.name for task in row.tasks() if task.archived_at is None]


def _condition(typed: Any) -> _Row:
    row = _Row(field=typed.field, comparison=typed.comparison, value=typed.value)
    if typed.logic_operator:
        row["logic"] = typed.logic_operator
    return row
