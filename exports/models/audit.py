"""The audit log: who did what, when and from where (rules L1, L2).

What a verb changes, it records in its own transaction. For an action:

    record_action(AuditAction.RUN_CANCELLED, run)

For a change of an `AuditedModel` (`exports/models/audited.py`), with its fields before and after;
nothing is recorded when nothing changes:

    with recording_changes(task):
        task.save()
        task.replace_conditions(rows)

For another row, with the fields that the caller knows; of a secret only that it changed:

    record_action("user.changed", user, {"role": ["viewer", "admin"], "password": SECRET_CHANGED})

A new action is a member of `AuditAction` and a row of `docs/audit.md`. Who acts is known from the
request or the process (`exports/acting.py`).
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final, NoReturn

from django.conf import settings
from django.db import models

from exports import clock
from exports.acting import Actor, ActorKind, current_actor
from exports.connectwise.http.remote_text import clean_text
from exports.models.audit_actions import AuditAction
from exports.number_formats import utc_text

# Stands for a secret's values, which are in no entry.
SECRET_CHANGED: Final = "changed"  # noqa: S105 - no secret
# Of a field, its values before and after; of a secret, SECRET_CHANGED.
Changes = Mapping[str, Any]
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+@")
_LONGEST_VALUE: Final = 2_500
_LONGEST_LIST: Final = 500


class AppendOnlyError(Exception):
    """An entry cannot be changed, nor deleted before its time."""

    def __init__(self) -> None:
        super().__init__("The audit log can only grow.")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def newest_first(self) -> "AuditEntryQuerySet":
        return self.order_by("-recorded_at", "-id")

    def about(self, row: models.Model) -> "AuditEntryQuerySet":
        """The history of one object."""
        return self.filter(object_type=type_of(row._meta.model), object_id=str(row.pk))

    def expired(self, today: date) -> "AuditEntryQuerySet":
        """What may be deleted: neither the setting of then nor that of now keeps it."""
        day = years_after(today, -settings.CWEXPORT_AUDIT_KEEP_YEARS)
        kept_since = datetime.combine(day, time(), UTC)
        return self.filter(kept_until__lt=today, recorded_at__lt=kept_since)

    def prune(self, today: date, most: int) -> int:
        """Delete up to `most` expired entries, the oldest first. For housekeeping alone."""
        oldest = self.expired(today).order_by("recorded_at", "id").values("pk")[:most]
        rows = self.filter(pk__in=list(oldest.values_list("pk", flat=True)))
        return rows._raw_delete(rows.db)

    def update(self, **fields: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError


class AuditEntry(models.Model):
    """One action. Without foreign keys: it outlives users and objects."""

    recorded_at = models.DateTimeField(default=clock.now)
    # The database refuses to delete it before; written once, so that nobody can shorten it.
    kept_until = models.DateField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_name = models.CharField(max_length=150, blank=True)
    actor_user_id = models.BigIntegerField(null=True)
    # The name of the token or of the command.
    program = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    # A code of AuditAction; not as `choices`, so that a new one needs no migration.
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(action=""), name="audit_entry_says_what"),
        ]
        # For the filters of its page, each newest first.
        indexes = [
            models.Index(fields=["-recorded_at", "-id"], name="audit_newest"),
            models.Index(fields=["actor_name", "-recorded_at", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-recorded_at", "-id"], name="audit_action"),
            models.Index(
                fields=["object_type", "object_id", "-recorded_at", "-id"], name="audit_object"
            ),
            models.Index(fields=["object_type", "-recorded_at", "-id"], name="audit_type"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}".strip()

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **{**options, "force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnlyError


def record_action(
    action: str,
    row: Any = None,
    changes: Changes | None = None,
    *,
    actor: Actor | None = None,
    name: str | None = None,
) -> AuditEntry:
    """Record an action on `row`, in the transaction that is open.

    `name` is the object's name where `str(row)` is not; `actor` where another than the current one
    acts, as whoever has just logged in.
    """
    noun, pk = ("", "") if row is None else (type_of(row._meta.model), row.pk)
    shown = name_of(row) if name is None else name
    return record_about(action, (noun, pk, shown), changes or {}, actor)


def record_about(
    action: str, about: tuple[str, Any, str], changes: Changes, actor: Actor | None = None
) -> AuditEntry:
    """As `record_action`; `about` is type, key and name of an object that may be gone."""
    noun, pk, name = about
    who, now = actor or current_actor(), clock.now()
    return AuditEntry.objects.create(
        recorded_at=now,
        kept_until=years_after(now.date(), settings.CWEXPORT_AUDIT_KEEP_YEARS),
        actor_kind=who.kind,
        actor_name=clean_text(who.name, 150),
        actor_user_id=who.user_id,
        program=clean_text(who.program, 100),
        address=who.address[:45],
        request_id=clean_text(who.request_id, 64),
        action=AuditAction(action),
        object_type=noun,
        object_id="" if pk is None else str(pk),
        object_name=clean_text(name, 200),
        changes=_as_data(changes),
    )


def type_of(model: type[models.Model]) -> str:
    """`workflow_run` for WorkflowRun."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.__name__).lower()


def years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # 29 February
        return day.replace(year=day.year + years, day=28)


def name_of(row: Any) -> str:
    return "" if row is None else str(getattr(row, "audit_name", row))


def _as_data(changes: Changes) -> dict[str, Any]:
    return {
        name: change if change == SECRET_CHANGED else [plain(value) for value in change]
        for name, change in changes.items()
    }


def plain(value: Any) -> Any:
    """The value as JSON holds it: times in UTC, rows by their names."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, models.Model):
        return plain(name_of(value))
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        listed = sorted(value) if isinstance(value, set | frozenset) else list(value)
        return [plain(one) for one in listed[:_LONGEST_LIST]]
    # An address may hold a login.
    return clean_text(_LOGIN.sub("…@", str(value)), _LONGEST_VALUE)
