"""The conditions of a task in a configuration file, and their form errors by line."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from exports.configuration.entries import Entry, Problem
from exports.configuration.plans import Findings
from exports.connectwise import batch_fields
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.forms.conditions import BaseConditionRows

_KEYS: Final[dict[str, str]] = {"logic_operator": "logic"}


def read_conditions(entries: Sequence[Entry]) -> list[Condition] | None:
    """The rows as typed, not validated; None when one could not be read."""
    rows = [_row(entry) for entry in entries if _is_readable(entry)]
    return rows if len(rows) == len(entries) else None


def take_row_errors(
    rows: BaseConditionRows, entries: Sequence[Entry], findings: Findings
) -> Iterator[str]:
    """Report errors of single rows; yields the errors of all rows together."""
    for form, entry in zip(rows.forms, entries, strict=False):
        for warning in form.warnings():
            findings.warnings.append(Problem(entry.line_of("field"), warning))
        for part, sentences in form.errors.items():
            line = entry.line_of(_KEYS.get(part, part))
            for sentence in sentences:
                hint = _yaml_hint(form.typed(), part)
                findings.problems.append(Problem(line, f"{sentence}{hint}"))
    yield from map(str, rows.non_form_errors())


def shown_rows(rows: Sequence[Condition]) -> str:
    """The rows as typed, on one line."""
    parts = (part for row in rows for part in _parts(row))
    return " ".join(part for part in parts if part)


def _parts(row: Condition) -> tuple[str, str, str, str]:
    return row.field, row.comparison, row.value, row.logic_operator


def _is_readable(entry: Entry) -> bool:
    return all(key in entry.values for key in ("field", "comparison", *entry.lines))


def _row(entry: Entry) -> Condition:
    values = entry.values
    return Condition(
        values["field"], values["comparison"], values.get("value", ""), values.get("logic", "")
    )


def _yaml_hint(row: Condition, part: str) -> str:
    """YAML reads `"John"` as John: how to write a value that only lacks its quotes."""
    if part != "value":
        return ""
    try:
        quoted = conditions.quote(row.value)
        conditions.check(replace(row, value=quoted), batch_fields.FIELD_TYPES)
    except ConditionError:
        return ""
    written = quoted.replace("'", "''")
    hint = _("(YAML takes one pair of quotes for itself: write value: '%(text)s')")
    return " " + hint % {"text": written}
