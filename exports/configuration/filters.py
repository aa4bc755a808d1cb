"""The conditions of a task in a configuration file (rules F1 to F6)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from exports.configuration.plans import Findings
from exports.configuration.reading import Entry, Problem
from exports.connectwise import batches
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.connectwise.http.urls import UrlTooLongError, check_url_length
from exports.models import Connection

_KEYS: Final[dict[str, str]] = {"logic_operator": "logic"}


def read_conditions(entries: Sequence[Entry], findings: Findings) -> tuple[Condition, ...] | None:
    """The rows as typed; None, with the reasons in `findings`, when one cannot be sent."""
    rows = [_row(entry, findings) for entry in entries]
    usable = tuple(row for row in rows if row is not None)
    return usable if len(usable) == len(rows) else None


def url_problem(rows: Sequence[Condition], connection: Connection, page_size: int) -> str:
    """Why these rows are too long to be sent (F6), or "". Raises SiteError."""
    user_part = conditions.render(rows, batches.FIELD_TYPES)
    try:
        check_url_length(connection.parsed_site(), user_part, page_size)
    except UrlTooLongError as error:
        return str(error)
    return ""


def shown_rows(rows: Sequence[Condition]) -> str:
    """The rows as they are typed, on one line."""
    parts = (part for row in rows for part in _parts(row))
    return " ".join(part for part in parts if part)


def _parts(row: Condition) -> tuple[str, str, str, str]:
    return row.field, row.comparison, row.value, row.logic_operator


def _row(entry: Entry, findings: Findings) -> Condition | None:
    if not all(key in entry.values for key in ("field", "comparison", *entry.lines)):
        return None
    values = entry.values
    # Blanks around it, which no name has, are a slip of the finger.
    field = values["field"].strip(" ")
    row = Condition(
        field,
        values["comparison"],
        values.get("value", ""),
        values.get("logic", ""),
    )
    line = entry.line_of("field")
    try:
        conditions.check(row, batches.FIELD_TYPES)
    except ConditionError as error:
        line = entry.line_of(_KEYS.get(error.part, error.part))
        findings.problems.append(Problem(line, f"{error}{_yaml_hint(row, error)}"))
        return None
    warnings = conditions.warnings_for(row, batches.FIELD_TYPES)
    findings.warnings.extend(Problem(line, warning) for warning in warnings)
    return row


def _yaml_hint(row: Condition, error: ConditionError) -> str:
    """YAML takes `"John"` for John: how to write what passes as soon as it has its quotes."""
    if error.part != "value":
        return ""
    try:
        quoted = conditions.quote(row.value)
        conditions.check(replace(row, value=quoted), batches.FIELD_TYPES)
    except ConditionError:
        return ""
    written = quoted.replace("'", "''")
    hint = _("(YAML takes one pair of quotes for itself: write value: '%(text)s')")
    return " " + hint % {"text": written}
