"""Entries of the audit log in the reader's language: stored are codes, values and names."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.acting import ActorKind
from exports.models import AuditAction, AuditEntry
from exports.models.audit import SECRET_CHANGED
from exports.sign_in.errors import SignOnErrorCode
from exports.sign_in.errors import sentence_of as sentence_of_sign_on
from exports.templatetags.formatting import exact_text

# What entries are about, by `object_type` or by the noun of an action.
TYPES: Final = {
    "connection": gettext_lazy("Connection"),
    "task": gettext_lazy("Task"),
    "schedule": gettext_lazy("Schedule"),
    "workflow": gettext_lazy("Workflow"),
    "destination": gettext_lazy("Destination"),
    "channel": gettext_lazy("Channel"),
    "run": gettext_lazy("Run"),
    "workflow_run": gettext_lazy("Workflow run"),
    "worker": gettext_lazy("Worker"),
    "delivery": gettext_lazy("Delivery"),
    "message": gettext_lazy("Message"),
    "user": gettext_lazy("User"),
    "one_time_link": gettext_lazy("Invitation"),
    "api_token": gettext_lazy("Token"),
    "token": gettext_lazy("Token"),
    "history": gettext_lazy("History"),
    "ledger": gettext_lazy("Ledger"),
    "audit": gettext_lazy("Audit log"),
    "housekeeping": gettext_lazy("Housekeeping"),
    "housekeeping_round": gettext_lazy("Housekeeping"),
    "secrets": gettext_lazy("Secrets"),
    "acknowledgement": gettext_lazy("Needs attention"),
    "attention": gettext_lazy("Needs attention"),
    "event_state": gettext_lazy("Event"),
    "installation": gettext_lazy("Installation"),
    "instance": gettext_lazy("Installation"),
    "backup": gettext_lazy("Backup"),
    "restore": gettext_lazy("Restore"),
    "session": gettext_lazy("Session"),
}
# Fields that are no columns of their row.
_LABELS: Final = {
    "accepted_by": gettext_lazy("Accepted by"),
    "batches": gettext_lazy("Batches"),
    "conditions": gettext_lazy("Conditions"),
    "destination": gettext_lazy("Destination"),
    "destinations": gettext_lazy("Destinations"),
    "destinations_of_empty_files": gettext_lazy("Destinations that also get empty files"),
    "events": gettext_lazy("Events"),
    "file": gettext_lazy("File"),
    "filter": gettext_lazy("Filter"),
    "from_byte": gettext_lazy("From byte"),
    "host_key": gettext_lazy("Host key"),
    "method": gettext_lazy("By"),
    "of_run": gettext_lazy("Of run"),
    "outcome": gettext_lazy("Outcome"),
    "password": gettext_lazy("Password"),
    "private_key": gettext_lazy("Private Key"),
    "reason": gettext_lazy("Reason"),
    "resumed_from": gettext_lazy("Resumed from"),
    "note": gettext_lazy("Note"),
    "role": gettext_lazy("Role"),
    "secrets": gettext_lazy("Secrets"),
    "sha256": gettext_lazy("SHA-256"),
    "since": gettext_lazy("Since"),
    "steps": gettext_lazy("Steps"),
    "tasks": gettext_lazy("Tasks"),
}
# The page of an object that has one.
_PAGES: Final = {
    "connection": "connection-edit",
    "task": "task-detail",
    "schedule": "schedule-detail",
    "workflow": "workflow-detail",
    "destination": "destination-edit",
    "channel": "channel-edit",
    "run": "run-detail",
    "workflow_run": "workflow-run-detail",
    "user": "user-detail",
}
# Values that are codes without a column of their own.
_CODES: Final = {
    ("outcome", "passed"): gettext_lazy("every step passed"),
    ("outcome", "warning"): gettext_lazy("it works, with a warning"),
    ("outcome", "failed"): gettext_lazy("a step failed"),
    ("method", "password"): gettext_lazy("password"),
    ("method", "single_sign_on"): gettext_lazy("single sign-on"),
    ("method", "emergency"): gettext_lazy("emergency link"),
    ("reason", "password"): gettext_lazy("wrong password"),
    ("reason", "emergency link"): gettext_lazy("emergency link"),
    ("reason", "second factor"): gettext_lazy("wrong second factor"),
    ("second factor", "totp"): gettext_lazy("Authenticator app"),
    ("second factor", "webauthn"): gettext_lazy("Passkey or security key"),
}
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class ShownChange:
    label: str
    before: str
    after: str
    is_secret: bool = False


@dataclass(frozen=True)
class AuditLine:
    """An entry as its page shows it."""

    entry: AuditEntry

    @property
    def sentence(self) -> str:
        return sentence_of(self.entry)

    @property
    def who(self) -> str:
        return who_of(self.entry)

    @property
    def changes(self) -> list[ShownChange]:
        return shown_changes(self.entry)

    @property
    def page(self) -> str:
        """The address of the object; "" when it has none, or was deleted with this entry."""
        name = _PAGES.get(self.entry.object_type)
        if not name or not self.entry.object_id or self.entry.action.endswith(".deleted"):
            return ""
        try:
            return reverse(name, args=[self.entry.object_id])
        except NoReverseMatch:
            return ""


def action_words(code: str) -> str:
    """`Task … was changed`; a code that this version does not know stays one."""
    if code not in AuditAction.values:
        return code
    words = str(AuditAction(code).label)
    return words % {"name": "…", "id": "…"}


def sentence_of(entry: AuditEntry) -> str:
    if entry.action not in AuditAction.values:
        return f"{entry.action} {entry.object_name}".strip()
    label = str(AuditAction(entry.action).label)
    # The name typed at a login may be a password, so that of nobody is not kept.
    nameless = _("somebody unknown") if entry.action.startswith("user.") else "–"
    return label % {"name": entry.object_name or nameless, "id": entry.object_id or "–"}


def who_of(entry: AuditEntry) -> str:
    """The person, with token or command if one was used."""
    kind = ActorKind(entry.actor_kind) if entry.actor_kind in ActorKind.values else None
    words = {
        ActorKind.TOKEN: _("%(name)s, token %(program)s"),
        ActorKind.COMMAND: _("%(name)s, command %(program)s"),
        ActorKind.WORKER: _("Worker on %(name)s"),
        ActorKind.ANONYMOUS: _("Not logged in"),
    }
    known = {"name": entry.actor_name, "program": entry.program}
    return words[kind] % known if kind in words else entry.actor_name


def shown_changes(entry: AuditEntry) -> list[ShownChange]:
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    return [_shown(entry.object_type, name, change) for name, change in changes.items()]


def _shown(object_type: str, name: str, change: Any) -> ShownChange:
    field = _field(object_type, name)
    label = _label(name, field)
    if change == SECRET_CHANGED:
        return ShownChange(label, "", _("changed"), is_secret=True)
    if not isinstance(change, list) or len(change) != 2:
        return ShownChange(label, "", str(change))
    before, after = (_code(name, side) or _value(field, side) for side in change)
    return ShownChange(label, before, after)


def _code(name: str, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if name == "reason" and value in SignOnErrorCode.values:
        return sentence_of_sign_on(SignOnErrorCode(value))
    return str(_CODES.get((name, value), ""))


def _field(object_type: str, name: str) -> "Field[Any, Any] | None":
    try:
        model: type[Model] = apps.get_model("exports", object_type.replace("_", ""))
        found = model._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return None
    return found if isinstance(found, Field) else None


def _label(name: str, field: "Field[Any, Any] | None") -> str:
    if name in _LABELS:
        return str(_LABELS[name])
    words = str(field.verbose_name) if field else name.rpartition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]


def _value(field: "Field[Any, Any] | None", value: Any) -> str:
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return "\n".join(_value(None, one) for one in value)
    text = str(value)
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(text, text))
    if _MOMENT.fullmatch(text):
        return exact_text(datetime.fromisoformat(text))
    return text
