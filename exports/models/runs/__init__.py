"""A run in one row: its request, its progress and its result."""

from exports.models.runs.queryset import DEAD_AFTER, PARK_AFTER, RunQuerySet
from exports.models.runs.run import LeaseLostError, Run

__all__ = ["DEAD_AFTER", "PARK_AFTER", "LeaseLostError", "Run", "RunQuerySet"]
