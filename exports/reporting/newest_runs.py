"""The active run and the last result of tasks, in three queries however many there are."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from exports.models import Run, Task


@dataclass(frozen=True)
class NewestRuns:
    active: Run | None
    # The newest that is over; re-exports say nothing about how the task is doing.
    last: Run | None


def newest_runs(task_ids: Collection[int]) -> dict[int, NewestRuns]:
    runs = Run.objects.filter(task=OuterRef("pk")).order_by("-id").values("id")
    over = runs.exclude(status__in=Run.ACTIVE).exclude(trigger=Run.Trigger.REEXPORT)
    ids: dict[int, Any] = {
        task_id: (active, last)
        for task_id, active, last in Task.objects.filter(pk__in=task_ids).values_list(
            "pk", Subquery(runs.filter(status__in=Run.ACTIVE)[:1]), Subquery(over[:1])
        )
    }
    found = Run.objects.in_bulk([pk for pair in ids.values() for pk in pair if pk])
    return {
        task_id: NewestRuns(found.get(active), found.get(last))
        for task_id, (active, last) in ids.items()
    }
