"""Stable codes for what a run does and why it ended; their labels are translated when shown.

`docs/codes.md` lists them all.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy


class Activity(models.TextChoices):
    """What an active run is doing."""

    WAITING_FOR_WORKER = "waiting_for_worker", gettext_lazy("Waiting for a worker")
    STARTING = "starting", gettext_lazy("Starting")
    PREFLIGHT = "preflight", gettext_lazy("Asking ConnectWise what there is")
    FETCHING = "fetching", gettext_lazy("Fetching batches")
    COUNTING = "counting", gettext_lazy("Proving that nothing is missing")
    VALIDATING = "validating", gettext_lazy("Checking the file")
    PUBLISHING = "publishing", gettext_lazy("Publishing the file")

    @classmethod
    def without_requests(cls) -> tuple["Activity", ...]:
        """The activities in which ConnectWise is asked nothing."""
        return (cls.VALIDATING, cls.PUBLISHING)


class ErrorCode(models.TextChoices):
    """Why a run failed; errors of the ConnectWise client have codes of their own."""

    FILE_INVALID = "file.invalid", gettext_lazy("The file did not pass its checks")
    FILE_NOT_WRITTEN = "file.not_written", gettext_lazy("The file could not be written")
    STORAGE_UNREACHABLE = "storage.unreachable", gettext_lazy("The storage did not answer")
    STORAGE_REFUSED = "storage.refused", gettext_lazy("The storage refused the file")
    RUN_INCOMPLETE = "run.incomplete", gettext_lazy("Batches are missing")
    CONNECTION_CHANGED = "run.connection_changed", gettext_lazy("The connection was changed")
    KEY_UNREADABLE = "connection.key_unreadable", gettext_lazy("The private key cannot be read")
    WORKER_STALLED = "worker.stalled", gettext_lazy("The worker stopped answering")
    RUN_PARKED = "worker.parked", gettext_lazy("The worker died with this run again and again")
    DATABASE_LOCKED = "database.locked", gettext_lazy("The database was locked")
    DATABASE_FULL = "database.full", gettext_lazy("The disk of the database is full")
    DATABASE_UNAVAILABLE = "database.unavailable", gettext_lazy("The database refused")
    RESTORED = "run.restored", gettext_lazy("It was active when the restored backup was made")
    UNEXPECTED = "internal.unexpected", gettext_lazy("An error inside this program")


class StepCode(models.TextChoices):
    """Why a step of a workflow waits, was left out, or failed before it had a run."""

    TASK_ACTIVE = "step.task_active", gettext_lazy("The task is active elsewhere")
    TASK_DISABLED = "step.task_disabled", gettext_lazy("The task is not enabled")
    TASK_ARCHIVED = "step.task_archived", gettext_lazy("The task is archived")
    TASK_DELETED = "step.task_deleted", gettext_lazy("The task was deleted")
    CONDITIONS_INVALID = "step.conditions_invalid", gettext_lazy("The conditions cannot be sent")
    BROKEN_OFF = "step.broken_off", gettext_lazy("A step before it failed")
    CANCELLED = "step.cancelled", gettext_lazy("The workflow was cancelled")
    RESTORED = "step.restored", gettext_lazy("It was active when the restored backup was made")


class WorkflowErrorCode(models.TextChoices):
    """Why a workflow run failed."""

    STEP_FAILED = "workflow.step_failed", gettext_lazy("A step failed")
    NOTHING_RAN = "workflow.nothing_ran", gettext_lazy("Every step was skipped")
    RESTORED = "workflow.restored", gettext_lazy("It was active when the restored backup was made")


class DeliveryErrorCode(models.TextChoices):
    """Why a file has not reached its destination."""

    NAME_TAKEN = "delivery.name_taken", gettext_lazy("The name belongs to another task")
    BUSY = "delivery.busy", gettext_lazy("Another worker is replacing a file there")
    FILE_CHANGED = "delivery.file_changed", gettext_lazy("The run's own file was changed")
    DISK_FULL = "delivery.disk_full", gettext_lazy("The disk is full")
    NOT_PERMITTED = "delivery.not_permitted", gettext_lazy("Writing is not permitted")
    NOT_WRITTEN = "delivery.not_written", gettext_lazy("The file could not be written")
    FILE_MISSING = "delivery.file_missing", gettext_lazy("The run's own file is not there")
    FOLDER_MISSING = "delivery.folder_missing", gettext_lazy("The folder is not there")
    BEGUN_ELSEWHERE = "delivery.begun_elsewhere", gettext_lazy("Begun on another host")
    UNREACHABLE = "delivery.unreachable", gettext_lazy("No connection, or a cut one")
    ADDRESS_BLOCKED = "delivery.address_blocked", gettext_lazy("The address may not be called")
    CERTIFICATE = "delivery.certificate", gettext_lazy("The certificate was not accepted")
    HOST_KEY_UNKNOWN = "delivery.host_key_unknown", gettext_lazy("The host key is not pinned yet")
    HOST_KEY_CHANGED = "delivery.host_key_changed", gettext_lazy("The host key is another one")
    LOGIN_REFUSED = "delivery.login_refused", gettext_lazy("The login was refused")
    SECRET_UNREADABLE = "delivery.secret_unreadable", gettext_lazy("The secrets cannot be read")
    REJECTED = "delivery.rejected", gettext_lazy("The other side refused the file")
    TOO_LARGE = "delivery.too_large", gettext_lazy("The file is too large")
    PARTLY_REFUSED = "delivery.partly_refused", gettext_lazy("Some recipients were refused")
    NOT_AS_SENT = "delivery.not_as_sent", gettext_lazy("What arrived is not what was sent")
    KIND_UNKNOWN = "delivery.kind_unknown", gettext_lazy("This version knows no such destination")
    RESTORED = "delivery.restored", gettext_lazy("It was open when the restored backup was made")

    @classmethod
    def about_file(cls) -> frozenset[str]:
        """The codes that say nothing about the destination."""
        return frozenset(
            code.value
            for code in (
                *(cls.BUSY, cls.FILE_CHANGED, cls.FILE_MISSING, cls.TOO_LARGE),
                cls.BEGUN_ELSEWHERE,
            )
        )

    @classmethod
    def final(cls) -> frozenset[str]:
        """The codes after which no further try would help."""
        return frozenset(code.value for code in (cls.NAME_TAKEN, cls.TOO_LARGE, cls.PARTLY_REFUSED))


class DueTimeCode(models.TextChoices):
    """Why a due time did not queue a run."""

    ACTIVE = "due.active", gettext_lazy("A run was still active")
    NOBODY_ALIVE = "due.nobody_alive", gettext_lazy("No worker was alive")
    CHANGED = "due.changed", gettext_lazy("The schedule was changed first")
    DISABLED = "due.disabled", gettext_lazy("Not enabled")
    ARCHIVED = "due.archived", gettext_lazy("Archived")
    CONDITIONS = "due.conditions", gettext_lazy("A condition could not be sent")
    NOT_QUEUED = "due.not_queued", gettext_lazy("The run could not be queued")
    UNREADABLE = "due.unreadable", gettext_lazy("The next time could not be computed")
    RESTORED = "due.restored", gettext_lazy("Held back after a restore")


class SuspicionCode(models.TextChoices):
    """Why a success is suspicious."""

    COUNT_FELL = "suspicion.count_fell", gettext_lazy("The count fell while the run went on")
    LOST_FROM_SIGHT = "suspicion.lost_from_sight", gettext_lazy("Batches are out of sight")
    NOTHING_SHOWN = "suspicion.nothing_shown", gettext_lazy("No batches are shown at all")
    FEWER_SHOWN = "suspicion.fewer_shown", gettext_lazy("Far fewer batches are shown than before")
    HIGHEST_ID_FELL = "suspicion.highest_id_fell", gettext_lazy("The highest id fell")
    LISTS_EMPTY = "suspicion.lists_empty", gettext_lazy("Lists went empty while the run went on")
    DATE_AHEAD = "suspicion.date_ahead", gettext_lazy("The date lies ahead")

    @classmethod
    def about_counts(cls) -> frozenset[str]:
        """The codes that a person can settle by accepting the count (W10)."""
        return frozenset({*cls.values} - {cls.LISTS_EMPTY.value, cls.DATE_AHEAD.value})


@dataclass(frozen=True)
class Suspicion:
    """Why a complete run is suspicious: a code for programs, a message for people."""

    code: SuspicionCode
    message: str


class ChannelErrorCode(models.TextChoices):
    """Why a message has not reached its channel."""

    UNREACHABLE = "channel.unreachable", gettext_lazy("No connection")
    NO_ANSWER = "channel.no_answer", gettext_lazy("No answer in time")
    ADDRESS_BLOCKED = "channel.address_blocked", gettext_lazy("The address may not be called")
    CERTIFICATE = "channel.certificate", gettext_lazy("The certificate was not accepted")
    REDIRECTED = "channel.redirected", gettext_lazy("The address leads elsewhere")
    REFUSED = "channel.refused", gettext_lazy("The other side refused")
    THROTTLED = "channel.throttled", gettext_lazy("Too many messages")
    SERVER_FAILED = "channel.server_failed", gettext_lazy("The other side failed")
    LOGIN_REFUSED = "channel.login_refused", gettext_lazy("The login was refused")
    RECIPIENT_REFUSED = "channel.recipient_refused", gettext_lazy("A recipient was refused")
    SECRET_UNREADABLE = "channel.secret_unreadable", gettext_lazy("The secrets cannot be read")
    NOT_SET_UP = "channel.not_set_up", gettext_lazy("Not set up in this installation")
    KIND_UNKNOWN = "channel.kind_unknown", gettext_lazy("Unknown kind of channel")
    RESTORED = "channel.restored", gettext_lazy("It was open when the restored backup was made")
    UNEXPECTED = "channel.unexpected", gettext_lazy("An error inside this program")


class EventCode(models.TextChoices):
    """What people are told about: each is a change of state, but for the report (N2, N3)."""

    FAILED = "failed", gettext_lazy("Failed")
    RECOVERED = "recovered", gettext_lazy("Succeeded again")
    SUSPICIOUS = "suspicious", gettext_lazy("Succeeded, suspicious")
    MISSED = "missed", gettext_lazy("Missed")
    ON_TIME_AGAIN = "on_time_again", gettext_lazy("On time again")
    NO_SUCCESS = "no_success", gettext_lazy("No success for too long")
    SUCCESS_AGAIN = "success_again", gettext_lazy("No longer without a success")
    DELIVERY_FAILED = "delivery_failed", gettext_lazy("Delivery failed")
    DELIVERY_RECOVERED = "delivery_recovered", gettext_lazy("Delivered again")
    WORKFLOW_FAILED = "workflow_failed", gettext_lazy("Workflow failed")
    WORKFLOW_RECOVERED = "workflow_recovered", gettext_lazy("Workflow succeeded again")
    NO_WORKER_ALIVE = "no_worker_alive", gettext_lazy("No worker is alive")
    WORKER_BACK = "worker_back", gettext_lazy("A worker is alive again")
    DISK_NEARLY_FULL = "disk_nearly_full", gettext_lazy("The disk is nearly full")
    DISK_OK = "disk_ok", gettext_lazy("The disk has room again")
    KEY_REFUSED = "key_refused", gettext_lazy("The keys of a connection are refused")
    KEY_ACCEPTED = "key_accepted", gettext_lazy("The keys of a connection work again")
    CERTIFICATE_EXPIRING = "certificate_expiring", gettext_lazy("A certificate expires soon")
    CERTIFICATE_RENEWED = "certificate_renewed", gettext_lazy("A certificate was renewed")
    REPORT = "report", gettext_lazy("Report of a run")
