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


class ErrorCode(models.TextChoices):
    """Why a run failed; errors of the ConnectWise client have codes of their own."""

    FILE_INVALID = "file.invalid", gettext_lazy("The file did not pass its checks")
    FILE_NOT_WRITTEN = "file.not_written", gettext_lazy("The file could not be written")
    RUN_INCOMPLETE = "run.incomplete", gettext_lazy("Batches are missing")
    CONNECTION_CHANGED = "run.connection_changed", gettext_lazy("The connection was changed")
    KEY_UNREADABLE = "connection.key_unreadable", gettext_lazy("The private key cannot be read")
    WORKER_STALLED = "worker.stalled", gettext_lazy("The worker stopped answering")
    RUN_PARKED = "worker.parked", gettext_lazy("The worker died with this run again and again")
    DATABASE_LOCKED = "database.locked", gettext_lazy("The database was locked")
    DATABASE_FULL = "database.full", gettext_lazy("The disk of the database is full")
    DATABASE_UNAVAILABLE = "database.unavailable", gettext_lazy("The database refused")
    UNEXPECTED = "internal.unexpected", gettext_lazy("An error inside this program")


class DeliveryErrorCode(models.TextChoices):
    """Why a file has not reached its destination."""

    NAME_TAKEN = "delivery.name_taken", gettext_lazy("The name belongs to another task")
    BUSY = "delivery.busy", gettext_lazy("Another worker is replacing a file there")
    FILE_CHANGED = "delivery.file_changed", gettext_lazy("The run's own file was changed")
    DISK_FULL = "delivery.disk_full", gettext_lazy("The disk is full")
    NOT_PERMITTED = "delivery.not_permitted", gettext_lazy("Writing is not permitted")
    NOT_WRITTEN = "delivery.not_written", gettext_lazy("The file could not be written")


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
