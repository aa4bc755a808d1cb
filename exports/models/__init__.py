"""Database models with their operations and queries."""

from exports.models.conditions import Condition
from exports.models.connections import Connection, SecretUnreadableError
from exports.models.dates import DateChange
from exports.models.deliveries import Delivery, DeliveryLostError
from exports.models.installations import Installation
from exports.models.ledger import LedgerEntry
from exports.models.log_entries import RunLogEntry
from exports.models.runs import LeaseLostError, Run
from exports.models.sync_window import SyncWindow
from exports.models.tasks import Task
from exports.models.workers import Worker

__all__ = [
    "Condition",
    "Connection",
    "DateChange",
    "Delivery",
    "DeliveryLostError",
    "Installation",
    "LeaseLostError",
    "LedgerEntry",
    "Run",
    "RunLogEntry",
    "SecretUnreadableError",
    "SyncWindow",
    "Task",
    "Worker",
]
