"""The rows of a workflow's steps: the tasks in order, added, removed and moved by buttons.

Each button works as a plain submit of the whole form and as a request for the rows alone. A row
carries only the number of its task, so that rows which are dragged need no new names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.forms.utils import flatatt
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.models import Task
from exports.models.workflows import MAX_STEPS
from exports.outside_numbers import read_number
from exports.reporting.task_choices import MAX_OPTIONS, name_input, names_like, options

STEP: Final = "step"
# The choice of the task to add; when the form is saved, a task still chosen there is added too.
ADDED: Final = "added_task"
_MAX_KEPT: Final = MAX_STEPS + 10


@dataclass
class StepRow:
    """One step as typed; without a task, if that was deleted meanwhile."""

    value: str
    task: Task | None
    number: int
    is_last: bool
    focused: str = ""

    @property
    def position(self) -> int:
        return self.number - 1

    @property
    def is_first(self) -> bool:
        return self.number == 1

    @property
    def error(self) -> str:
        if self.task:
            return ""
        if read_number(self.value) is None:
            return _no_task(self.value)
        return _("This task was deleted. Remove the step.")


class StepRows:
    """All rows in order; `announcement` says what a button has done, `remark` why nothing."""

    def __init__(self, values: Iterable[str]) -> None:
        kept = list(values)[:_MAX_KEPT]
        numbers = {value: read_number(value) for value in kept}
        found = Task.objects.in_bulk([pk for pk in numbers.values() if pk is not None])
        self.rows = [
            StepRow(value, found.get(numbers[value] or 0), number, number == len(kept))
            for number, value in enumerate(kept, 1)
        ]
        self.announcement = self.remark = self.typed = ""
        self.focuses_choice = False
        self.added_errors: list[str] = []

    def values(self) -> list[str]:
        return [row.value for row in self.rows]

    def tasks(self) -> list[Task]:
        return [row.task for row in self.rows if row.task]

    @cached_property
    def choices(self) -> SafeString:
        """What chooses a task to add: a select, or a name once there are too many; "" for none."""
        tasks = Task.objects.filter(archived_at=None).order_by("name")
        attrs = self._choice_attrs()
        found = list(tasks.values_list("pk", "name", "enabled")[: MAX_OPTIONS + 1])
        if not found:
            return SafeString("")
        if len(found) > MAX_OPTIONS:
            return name_input({**attrs, "class": "form-control"}, self.typed)
        off = _("%(task)s (not enabled)")
        tasks_on = [(pk, name if is_on else off % {"task": name}) for pk, name, is_on in found]
        listed = options([("", _("Choose a task")), *tasks_on])
        attrs["class"] = "form-select"
        return format_html("<select{}>{}</select>", flatatt(attrs), listed)

    def _choice_attrs(self) -> dict[str, Any]:
        attrs: dict[str, Any] = {"id": "added-task", "name": ADDED}
        if self.focuses_choice:
            attrs["autofocus"] = True
        if self.remark:
            attrs |= {"aria-invalid": "true", "aria-describedby": "added-task-remark"}
        return attrs

    def errors(self) -> list[str]:
        """What is wrong with the list as a whole."""
        found = list(self.added_errors)
        if not self.rows:
            found.append(_("A workflow needs at least one step. Choose a task and add it."))
        if len(self.rows) > MAX_STEPS:
            sentence = _("A workflow has at most %(most)d steps, these are %(count)d. Remove some.")
            found.append(sentence % {"most": MAX_STEPS, "count": len(self.rows)})
        return found

    def is_valid(self) -> bool:
        return not self.errors() and not any(row.error for row in self.rows)

    def problems(self) -> list[tuple[str, str, str]]:
        """Every error: the id of its place, its label, its sentence."""
        found = [("step-rows", _("Steps"), sentence) for sentence in self.errors()]
        for row in self.rows:
            if row.error:
                label = _("Step %(number)d") % {"number": row.number}
                found.append((f"step-{row.number}", label, row.error))
        return found

    def text(self) -> str:
        """The steps on one line."""
        names = [row.task.name if row.task else _("a deleted task") for row in self.rows]
        return " → ".join(names) or _("no steps")


def posted_steps(data: Any) -> StepRows:
    """The rows of a submitted form, with the task that is chosen but not added yet."""
    values = data.getlist(STEP)
    chosen = data.get(ADDED, "")
    number = _number_of(chosen) or chosen
    return StepRows([*values, number] if number else values)


def _number_of(chosen: str) -> str | None:
    """The number of a task that is chosen by its number or by its whole name."""
    number = read_number(chosen)
    if number is not None and Task.objects.filter(pk=number).exists():
        return chosen
    named = Task.objects.filter(archived_at=None, name=chosen.strip())
    pk = named.values_list("pk", flat=True).first() if chosen.strip() else None
    if pk is None and number is not None:
        # It was deleted meanwhile: its row says so.
        return chosen
    return None if pk is None else str(pk)


def _no_task(text: str) -> str:
    similar = names_like(Task.objects.filter(archived_at=None), text, 3)
    if not similar:
        return _("No task is called “%(text)s”: write its whole name.") % {"text": text[:100]}
    sentence = _("No task is called “%(text)s”. Did you mean %(names)s?")
    return sentence % {"text": text[:100], "names": ", ".join(similar)}


def steps_of(tasks: Iterable[Task]) -> StepRows:
    return StepRows(str(task.pk) for task in tasks)


def steps_after(data: Any, action: str) -> StepRows:
    """The submitted rows after `add`, or after `up-2`, `down-2` or `remove-2`, counted from 0.

    An impossible action changes nothing.
    """
    values = data.getlist(STEP)[:_MAX_KEPT]
    verb, _dash, number = action.partition("-")
    position = read_number(number)
    if verb == "add":
        return _added(values, data.get(ADDED, ""))
    if position is None or position >= len(values):
        return StepRows(values)
    if verb == "remove":
        return _removed(values, position)
    return _moved(values, position, verb)


def _added(values: Sequence[str], chosen: str) -> StepRows:
    number = _number_of(chosen)
    if chosen and number is None:
        rows = StepRows(values)
        rows.typed, rows.remark = chosen, _no_task(chosen)
        rows.announcement = rows.remark
    elif number is None:
        rows = StepRows(values)
        rows.remark = rows.announcement = _("Choose a task first, then add it.")
    elif len(values) >= MAX_STEPS:
        rows = StepRows(values)
        sentence = _("A workflow has at most %(most)d steps.")
        rows.remark = rows.announcement = sentence % {"most": MAX_STEPS}
    else:
        rows = StepRows([*values, number])
        rows.announcement = _("Step %(number)d added.") % {"number": len(rows.rows)}
    rows.focuses_choice = True
    return rows


def _removed(values: list[str], position: int) -> StepRows:
    rows = StepRows(values[:position] + values[position + 1 :])
    left_count = len(rows.rows)
    rows.announcement = ngettext(
        "Step %(number)d removed, %(count)d step is left.",
        "Step %(number)d removed, %(count)d steps are left.",
        left_count,
    ) % {"number": position + 1, "count": left_count}
    if left_count:
        rows.rows[min(position, left_count - 1)].focused = "remove"
    else:
        rows.focuses_choice = True
    return rows


def _moved(values: list[str], position: int, verb: str) -> StepRows:
    target = position + {"up": -1, "down": 1}.get(verb, 0)
    if not 0 <= target < len(values) or target == position:
        return StepRows(values)
    values.insert(target, values.pop(position))
    rows = StepRows(values)
    rows.announcement = _("Step %(before)d is now step %(after)d of %(count)d.") % {
        "before": position + 1,
        "after": target + 1,
        "count": len(values),
    }
    moved = rows.rows[target]
    # The button keeps the focus, unless it is disabled at this end.
    is_at_end = moved.is_first if verb == "up" else moved.is_last
    moved.focused = {"up": "down", "down": "up"}[verb] if is_at_end else verb
    return rows
