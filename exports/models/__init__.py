"""Rows, their verbs and their queries."""

from exports.models.conditions import Condition
from exports.models.connections import Connection, SecretUnreadableError
from exports.models.dates import DateChange
from exports.models.ledger import LedgerEntry
from exports.models.log_entries import RunLogEntry
from exports.models.runs import LostRunError, Run
from exports.models.tasks import Task
from exports.models.windows import Window
from exports.models.workers import Worker

__all__ = [
    "Condition",
    "Connection",
    "DateChange",
    "LedgerEntry",
    "LostRunError",
    "Run",
    "RunLogEntry",
    "SecretUnreadableError",
    "Task",
    "Window",
    "Worker",
]
