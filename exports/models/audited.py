"""Rows whose changes the audit log records field by field (rule L1)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models, transaction

from exports.models.audit import SECRET_CHANGED, Changes, name_of, plain, record_about, type_of


class AuditedModel(models.Model):
    """A row whose changes are recorded field by field, see `recording_changes`."""

    # Columns with encrypted secrets, and how they are called in the log.
    AUDITED_SECRETS: ClassVar[Mapping[str, str]] = {}

    class Meta:
        abstract = True

    def audited_values(self) -> dict[str, Any]:
        """What people may change of it; override it to add rows that belong to it."""
        fields = (field for field in self._meta.concrete_fields if field.editable)
        return {field.name: getattr(self, field.name) for field in fields if not field.primary_key}

    def audited_secrets(self) -> dict[str, str]:
        return {label: getattr(self, name) for name, label in self.AUDITED_SECRETS.items()}


@contextmanager
def recording_changes(
    *rows: "AuditedModel | models.QuerySet[Any]",
    action: str = "",
    details: Changes | None = None,
    always: bool = False,
) -> Iterator[None]:
    """One transaction; at its end an entry for each row says how it differs from before.

    A queryset stands for its rows, and for those it has after the block. The action is the row's
    type with created, changed or deleted, unless one is named; `details` are added to each entry.
    With `always`, also a row that does not differ gets one.
    """
    with transaction.atomic():
        before = _stored(rows)
        yield
        after = _stored(rows, before)
        for key in dict.fromkeys([*before, *after]):
            sides = before.get(key), after.get(key)
            changes = _difference(*sides)
            if changes or always:
                about = (type_of(key[0]), key[1], _last_name(*sides))
                named = action or f"{about[0]}.{_verb(*sides)}"
                record_about(named, about, {**changes, **(details or {})})


@dataclass(frozen=True)
class _Stored:
    name: str
    values: Mapping[str, Any]
    secrets: Mapping[str, str]


_Key = tuple[type[AuditedModel], Any]


def _stored(
    wanted: "Iterable[AuditedModel | models.QuerySet[Any]]", known: Iterable[_Key] = ()
) -> dict[_Key, _Stored]:
    """What the database holds of the wanted rows and of those known from before."""
    keys: dict[_Key, None] = dict.fromkeys(known)
    for one in wanted:
        if isinstance(one, models.QuerySet):
            keys |= {(one.model, pk): None for pk in one.values_list("pk", flat=True)}
        elif one.pk is not None:
            keys[type(one), one.pk] = None
    found = {key: key[0]._base_manager.filter(pk=key[1]).first() for key in keys}
    return {
        key: _Stored(name_of(row), _plain_values(row), row.audited_secrets())
        for key, row in found.items()
        if row is not None
    }


def _plain_values(row: AuditedModel) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.audited_values().items()}


def _difference(before: _Stored | None, after: _Stored | None) -> dict[str, Any]:
    values = [side.values if side else {} for side in (before, after)]
    secrets = [side.secrets if side else {} for side in (before, after)]
    changes = changes_between(*values)
    for name in {**secrets[0], **secrets[1]}:
        if secrets[0].get(name, "") != secrets[1].get(name, ""):
            changes[name] = SECRET_CHANGED
    return changes


def _verb(before: _Stored | None, after: _Stored | None) -> str:
    return "created" if before is None else "deleted" if after is None else "changed"


def _last_name(before: _Stored | None, after: _Stored | None) -> str:
    last = after or before
    return last.name if last else ""


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Each field that differs, with both values; of a new or deleted row, those not empty."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if before and after:
        return differing
    return {name: pair for name, pair in differing.items() if any(map(_says_something, pair))}


def _says_something(value: Any) -> bool:
    return value not in (None, "", [], {})
