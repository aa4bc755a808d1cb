"""What the buttons of the condition rows do on the server: add, move, remove, write a value.

Each works as a plain submit of the whole form and as a request for the rows alone.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.filter import value_help, wildcards
from exports.connectwise.filter.literals import LiteralError
from exports.forms.condition_row import PARTS, ConditionForm
from exports.forms.conditions import MAX_ROWS, BaseConditionRows, posted_rows, rows_from
from exports.outside_numbers import read_number

Row = dict[str, str]
ADD = "add"
# As the preview offers it: wildcards in every Like that has none.
EVERY_LIKE = "stars-all"

_BLANK: Row = dict.fromkeys((*PARTS, "left"), "")


def rows_after(data: Any, action: str) -> BaseConditionRows:
    """The submitted rows after an action; all typed text is kept, and the focus is set.

    Actions are `add` and, with the position of a row counted from 0, `remove-2`, `up-2`, `down-2`,
    `quote-2`, `stars-2`, `list-2`, `date-2`, `true-2` and `false-2`; also `stars-all`. An
    impossible action changes nothing.
    """
    forms = posted_rows(data).forms
    rows = [_row(form) for form in forms]
    verb, _dash, number = action.partition("-")
    position = read_number(number)
    if action in (ADD, EVERY_LIKE):
        return _added(rows) if action == ADD else _all_meant(rows, forms)
    if position is None or position >= len(rows):
        return rows_from(rows)
    if verb == "remove":
        return _removed(rows, position)
    if verb in ("up", "down"):
        return _moved(rows, position, verb, str(data.get("row_focus", "")))
    if verb in _VALUES:
        return _written(rows, position, forms[position], _VALUES[verb])
    return _focused(rows_from(rows), position, "field")


def _row(form: ConditionForm) -> Row:
    return {part: form[part].value() or "" for part in _BLANK}


def _added(rows: list[Row]) -> BaseConditionRows:
    if len(rows) >= MAX_ROWS:
        announcement = _("A task takes at most %(most)d conditions.") % {"most": MAX_ROWS}
        return _focused(rows_from(rows), len(rows) - 1, "field", announcement)
    announcement = _("Condition %(number)d added.") % {"number": len(rows) + 1}
    return _focused(rows_from([*rows, _BLANK]), len(rows), "field", announcement)


def _removed(rows: list[Row], position: int) -> BaseConditionRows:
    left_count = len(rows) - 1
    announcement = ngettext(
        "Condition %(number)d removed, %(count)d condition is left.",
        "Condition %(number)d removed, %(count)d conditions are left.",
        left_count,
    ) % {"number": position + 1, "count": left_count}
    shown = rows_from(rows[:position] + rows[position + 1 :])
    return _focused(shown, max(0, min(position, left_count - 1)), "field", announcement)


def _moved(rows: list[Row], position: int, verb: str, part: str) -> BaseConditionRows:
    target = position + (1 if verb == "down" else -1)
    announcement = _("Condition %(number)d cannot move further.") % {"number": position + 1}
    if 0 <= target < len(rows):
        rows.insert(target, rows.pop(position))
        announcement = _("Condition %(before)d is now condition %(after)d of %(count)d.") % {
            "before": position + 1,
            "after": target + 1,
            "count": len(rows),
        }
    target = min(max(target, 0), len(rows) - 1)
    # By keyboard the input keeps the focus, by button the button does unless it is disabled now.
    if part not in PARTS:
        ends = {0: "down", len(rows) - 1: "up"}
        part = ends.get(target, verb) if len(rows) > 1 else "field"
    return _focused(rows_from(rows), target, part, announcement)


def _written(
    rows: list[Row], position: int, form: ConditionForm, write: Callable[[ConditionForm], str]
) -> BaseConditionRows:
    """The rows with a new value in one of them; if none can be written, a remark says why."""
    remark = ""
    try:
        value = write(form)
    except LiteralError as error:
        value, remark = "", str(error)
    if value:
        rows[position] = rows[position] | {"value": value}
        remark_or_value = {"number": position + 1, "value": value}
        announcement = _("The value of condition %(number)d is now %(value)s") % remark_or_value
    else:
        announcement = remark = remark or _(
            "There is nothing to insert yet: type or pick a value first."
        )
    shown = rows_from(rows)
    shown.forms[position].remark = remark
    return _focused(shown, position, "value", announcement)


def _all_meant(rows: list[Row], forms: list[ConditionForm]) -> BaseConditionRows:
    typed = [form.typed() for form in forms]
    for row, meant in zip(rows, wildcards.likely_meant(typed), strict=False):
        row["value"] = meant.value
    announcement = _("Like now looks for text that contains the values.")
    return _focused(rows_from(rows), 0, "value", announcement)


def _dated(form: ConditionForm) -> str:
    day = form["picked_date"].value() or ""
    if not day:
        return ""
    date = value_help.picked_date(day, form["picked_time"].value() or "")
    value = form.typed().value
    return value_help.with_member(value, date, form.kind()) if form.takes_list() else date


_VALUES: dict[str, Callable[[ConditionForm], str]] = {
    "quote": lambda form: value_help.quoted(form.typed().value),
    "list": lambda form: value_help.as_list(form.typed().value, form.kind()),
    "date": _dated,
    "stars": lambda form: wildcards.with_wildcards(value_help.quoted(form.typed().value)),
    "true": lambda form: "True",
    "false": lambda form: "False",
}


def _focused(
    shown: BaseConditionRows, position: int, part: str, announcement: str = ""
) -> BaseConditionRows:
    shown.forms[position].focus(part)
    shown.announcement = announcement
    return shown
