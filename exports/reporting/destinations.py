"""Destinations as their list and the task page show them."""

from collections.abc import Iterable
from dataclasses import dataclass

from exports.delivery.registry import find_kind
from exports.models import Destination, Task, TaskDestination


@dataclass(frozen=True)
class DestinationLine:
    destination: Destination
    kind: str
    where: str


def destination_lines(rows: Iterable[Destination]) -> list[DestinationLine]:
    return [destination_line(row) for row in rows]


def destination_line(row: Destination) -> DestinationLine:
    kind = find_kind(row.kind)
    if kind is None:
        return DestinationLine(row, row.kind, "")
    return DestinationLine(row, str(kind.label), kind.where(row.address))


def uses_of(task: Task) -> list[TaskDestination]:
    """Where the files of a task go, by name."""
    rows = TaskDestination.objects.filter(task=task).select_related("destination")
    return list(rows.order_by("destination__name"))
