"""Database models with their operations and queries."""

from exports.models.acknowledgements import Acknowledgement
from exports.models.api_tokens import ApiToken
from exports.models.audit import AppendOnlyError, AuditEntry, record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import recording_changes
from exports.models.channels import Channel, ChannelSecretError, Subscription
from exports.models.conditions import Condition
from exports.models.connections import Connection, SecretUnreadableError
from exports.models.dates import DateChange
from exports.models.deliveries import Delivery, DeliveryLostError
from exports.models.delivery_attempts import DeliveryAttempt
from exports.models.destinations import (
    Destination,
    DestinationInUseError,
    DestinationSecretsError,
    TaskDestination,
)
from exports.models.due_times import DueTime
from exports.models.emergency_logins import EmergencyLogin
from exports.models.events import Event, EventState, record_event
from exports.models.housekeeping_rounds import HousekeepingRound, RoundLostError
from exports.models.idempotency_keys import IdempotencyKey
from exports.models.installations import Installation
from exports.models.ledger import LedgerEntry
from exports.models.log_entries import RunLogEntry
from exports.models.login_sessions import LoginSession
from exports.models.messages import Message, MessageLostError
from exports.models.one_time_links import OneTimeLink
from exports.models.run_marks import RunMark
from exports.models.runs import LeaseLostError, Run, RunSummary, RunTally
from exports.models.schedules import Schedule
from exports.models.step_runs import StepRun
from exports.models.sync_window import SyncWindow
from exports.models.tasks import Task
from exports.models.workers import Worker
from exports.models.workflow_runs import WorkflowRun
from exports.models.workflows import Workflow, WorkflowStep

__all__ = [
    "Acknowledgement",
    "ApiToken",
    "AppendOnlyError",
    "AuditAction",
    "AuditEntry",
    "Channel",
    "ChannelSecretError",
    "Condition",
    "Connection",
    "DateChange",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryLostError",
    "Destination",
    "DestinationInUseError",
    "DestinationSecretsError",
    "DueTime",
    "EmergencyLogin",
    "Event",
    "EventState",
    "HousekeepingRound",
    "IdempotencyKey",
    "Installation",
    "LeaseLostError",
    "LedgerEntry",
    "LoginSession",
    "Message",
    "MessageLostError",
    "OneTimeLink",
    "RoundLostError",
    "Run",
    "RunLogEntry",
    "RunMark",
    "RunSummary",
    "RunTally",
    "Schedule",
    "SecretUnreadableError",
    "StepRun",
    "Subscription",
    "SyncWindow",
    "Task",
    "TaskDestination",
    "Worker",
    "Workflow",
    "WorkflowRun",
    "WorkflowStep",
    "record_action",
    "record_event",
    "recording_changes",
]
