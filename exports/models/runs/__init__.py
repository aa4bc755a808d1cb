"""A run in one row: what was asked, where it stands, what came of it."""

from exports.models.runs.queryset import DEAD_AFTER, PARK_AFTER, RunQuerySet
from exports.models.runs.run import LeaseLostError, Run

__all__ = ["DEAD_AFTER", "PARK_AFTER", "LeaseLostError", "Run", "RunQuerySet"]
