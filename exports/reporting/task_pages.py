"""A page of the tasks that a filter finds: in one query their ids, groups and number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Value, Window
from django.utils.translation import gettext as _

from exports.reporting.tables import TALL_ROWS_A_PAGE
from exports.reporting.task_filters import Grouping, TaskFilter
from exports.reporting.task_overview import TaskLine, task_lines


@dataclass(frozen=True)
class TaskGroup:
    """Rows under one heading; without grouping there is one, without a name."""

    name: str
    count: int
    lines: list[TaskLine]


class TaskPage:
    """The found tasks of one page, as `TaskGroup`s."""

    def __init__(self, found: TaskFilter, number: int) -> None:
        self._found = found
        rows = self._rows(number)
        if not rows and number > 1:
            # Beyond the last page: that is shown instead.
            number = max(1, -(-found.qs.count() // TALL_ROWS_A_PAGE))
            rows = self._rows(number)
        self.count: int = rows[0]["count"] if rows else 0
        pages = Paginator(range(self.count), TALL_ROWS_A_PAGE)
        self.page: Page[Any] = pages.page(number)
        self._sizes = {row["group"]: row["group_count"] for row in rows}
        by_id = {line.task.pk: line for line in task_lines([row["pk"] for row in rows])}
        self.lines = [by_id[row["pk"]] for row in rows if row["pk"] in by_id]
        self._groups_of = {row["pk"]: row["group"] for row in rows}

    def groups(self) -> Iterator[TaskGroup]:
        for group, size in self._sizes.items():
            lines = [line for line in self.lines if self._groups_of[line.task.pk] == group]
            yield TaskGroup(self._name_of(group), size, lines)

    def _rows(self, number: int) -> list[dict[str, Any]]:
        tasks: Any = self._found.qs
        if not self._found.grouping:
            tasks = tasks.annotate(group=Value(""))
        rows = tasks.values("pk", "group").annotate(
            count=Window(Count("pk")), group_count=Window(Count("pk"), partition_by=[F("group")])
        )
        begin = (number - 1) * TALL_ROWS_A_PAGE
        return list(rows[begin : begin + TALL_ROWS_A_PAGE])

    def _name_of(self, group: str) -> str:
        if group or not self._found.grouping:
            return group
        return _("Without a tag") if self._found.grouping == Grouping.TAG else ""
