"""The id that links a database to its data folders."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models, transaction
from django.db.models import Q

from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.given_settings import changed_settings, settings_token

_ONLY_ROW = 1


class InstallationManager(models.Manager["Installation"]):
    def known_id(self) -> str | None:
        return self.filter(pk=_ONLY_ROW).values_list("folder_id", flat=True).first()

    def own_id(self) -> str:
        """This database's id, created at first use; safe for several processes at once."""
        row, _is_new = self.get_or_create(pk=_ONLY_ROW, defaults={"folder_id": uuid.uuid4().hex})
        return row.folder_id

    def take_daily_look(self, now: datetime) -> bool:
        """Whether this process is the one that looks at certificates today."""
        self.own_id()
        a_day_ago = now - timedelta(hours=23)
        # A time in the future was written before the clock was set back.
        is_due = Q(looked_at=None) | Q(looked_at__lt=a_day_ago) | Q(looked_at__gt=now)
        return self.filter(is_due, pk=_ONLY_ROW).update(looked_at=now) == 1

    def note_settings(self, given: Mapping[str, str]) -> None:
        """At a start: record which settings differ from those of the last one."""
        self.own_id()
        with transaction.atomic():
            row = self.select_for_update(no_key=True).get(pk=_ONLY_ROW)
            changes = changed_settings(row.settings_token, given)
            if changes or not row.settings_token:
                self.filter(pk=_ONLY_ROW).update(settings_token=settings_token(given))
            if changes:
                record_action(AuditAction.SETTINGS_CHANGED, None, changes)

    def note_backup(self, made_at: datetime) -> None:
        self.own_id()
        with transaction.atomic():
            self.filter(pk=_ONLY_ROW).update(backed_up_at=made_at)
            record_action(AuditAction.BACKUP_MADE)

    def held(self) -> "Installation | None":
        """The row while nothing may start by itself: restored, and nobody has said "go on"."""
        return self.restored().first()

    def restored(self) -> "models.QuerySet[Installation]":
        return self.filter(restored_at__isnull=False, restore_confirmed_at=None).order_by("pk")

    def mark_restored(self, made_at: datetime, now: datetime) -> None:
        """Hold everything back from now on, in the caller's transaction."""
        self.own_id()
        self.filter(pk=_ONLY_ROW).update(
            restored_at=now,
            restored_from=made_at,
            restore_confirmed_at=None,
            restore_confirmed_by="",
        )
        moments = {"made_at": (None, made_at), "restored_at": (None, now)}
        record_action(AuditAction.BACKUP_RESTORED, changes=moments)

    def confirm_restore(self, name: str, now: datetime) -> bool:
        """Let schedules start again; False when nothing is held, or somebody was faster."""
        with transaction.atomic():
            said = {"restore_confirmed_at": now, "restore_confirmed_by": name[:150]}
            is_first = self.restored().update(**said) == 1
            if is_first:
                record_action(AuditAction.RESTORE_CONFIRMED)
        return is_first

    def take_id(self, folder_id: str) -> None:
        self.update_or_create(pk=_ONLY_ROW, defaults={"folder_id": folder_id})


class Installation(models.Model):
    """The only row of its table; each data folder of the installation holds the same id."""

    folder_id = models.CharField(max_length=32)
    # When a worker last looked at the certificates of servers.
    looked_at = models.DateTimeField(null=True)
    # When the last backup of it was begun.
    backed_up_at = models.DateTimeField(null=True)
    # When a backup was restored into it, when that had been made, and who said "go on".
    restored_at = models.DateTimeField(null=True)
    restored_from = models.DateTimeField(null=True)
    restore_confirmed_at = models.DateTimeField(null=True)
    restore_confirmed_by = models.CharField(max_length=150, blank=True)
    # The settings of the last start, encrypted.
    settings_token = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[InstallationManager] = InstallationManager()

    @property
    def is_held(self) -> bool:
        return self.restored_at is not None and self.restore_confirmed_at is None

    def __str__(self) -> str:
        return self.folder_id
