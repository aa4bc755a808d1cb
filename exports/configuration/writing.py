"""Writes connections and tasks as a configuration file that `load_config` can read."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import yaml

from exports.configuration.connections import KEY_PREFIX
from exports.configuration.plans import as_moment
from exports.models import Connection, Task


def current_configuration() -> str:
    """The YAML of all connections and of all tasks not archived; no private keys."""
    connections = Connection.objects.order_by("name")
    tasks = Task.objects.filter(archived_at=None).select_related("connection", "on_failure_task")
    content = {
        "connections": list(_connections(connections)),
        "tasks": [_task(task) for task in tasks.order_by("name")],
    }
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


def _connections(rows: Iterable[Connection]) -> Iterable[dict[str, Any]]:
    variables: set[str] = set()
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
    return written | {"break_on_failure": row.break_on_failure}


def _condition(typed: Any) -> _Row:
    row = _Row(field=typed.field, comparison=typed.comparison, value=typed.value)
    if typed.logic_operator:
        row["logic"] = typed.logic_operator
    return row
