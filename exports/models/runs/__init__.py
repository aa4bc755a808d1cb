"""A run in one row: its request, its progress and its result."""

from exports.models.runs.queryset import DEAD_AFTER, PARK_AFTER, RunQuerySet, is_trusted
from exports.models.runs.run import LeaseLostError, Run
from exports.models.runs.summary import RunSummary
from exports.models.runs.tally import RunTally

__all__ = [
    "DEAD_AFTER",
    "PARK_AFTER",
    "LeaseLostError",
    "Run",
    "RunQuerySet",
    "RunSummary",
    "RunTally",
    "is_trusted",
]
