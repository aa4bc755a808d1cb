"""The rights table (rule A1): the least role of every address, by its URL name.

What is not in it is refused, to admins too. From it follow which addresses answer, which links and
buttons are shown (`{% if request.user|may:"task-edit" %}`), the tabs and docs/access.md.
A name that ends in ":" stands for a whole namespace.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.urls import ResolverMatch

from exports.access.roles import Role, role_of

if TYPE_CHECKING:
    from exports.access.roles import Person

# These only show; every other method counts as one that changes something.
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Open(Enum):
    """Needs that are no role."""

    # Nobody needs to have logged in. What checks a token of its own is public here too.
    PUBLIC = "public"
    # Whoever has logged in, even without a role.
    SIGNED_IN = "signed in"


PUBLIC, SIGNED_IN = Open.PUBLIC, Open.SIGNED_IN
VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN
Need = Role | Open


@dataclass(frozen=True)
class Right:
    """What reading an address needs, and what sending something to it needs."""

    read: Need
    write: Need

    def need(self, method: str) -> Need:
        return self.read if method in READING else self.write


def _all(need: Need) -> Right:
    return Right(need, need)


RIGHTS: Final[dict[str, Right]] = {
    # Asked by monitors; the metrics check a token or the caller's network themselves.
    "health": _all(PUBLIC),
    "readiness": _all(PUBLIC),
    "metrics": _all(PUBLIC),
    # Signing in and out
    "login": _all(PUBLIC),
    # Public, so that logging out also works after the session has expired.
    "logout": _all(PUBLIC),
    "password": _all(SIGNED_IN),
    "second-factor-check": _all(PUBLIC),
    "sign-on-start": _all(PUBLIC),
    "sign-on-callback": _all(PUBLIC),
    "emergency-login": _all(PUBLIC),
    # How a person logs in: everybody their own
    "login-methods": _all(SIGNED_IN),
    "login-confirm": _all(SIGNED_IN),
    "factor-app": _all(SIGNED_IN),
    "factor-app-remove": _all(SIGNED_IN),
    "factor-key": _all(SIGNED_IN),
    "factor-key-remove": _all(SIGNED_IN),
    "recovery-codes": _all(SIGNED_IN),
    "recovery-codes-download": _all(SIGNED_IN),
    "recovery-codes-renew": _all(SIGNED_IN),
    "sign-on-connect": _all(SIGNED_IN),
    "sign-on-disconnect": _all(SIGNED_IN),
    "user-reset-factors": _all(ADMIN),
    # Its token is what lets somebody in.
    "one-time-link": _all(PUBLIC),
    "account": _all(SIGNED_IN),
    "account-end-session": _all(SIGNED_IN),
    "account-end-others": _all(SIGNED_IN),
    "account-token-list": _all(SIGNED_IN),
    "account-token-create": _all(VIEWER),
    "account-token-revoke": _all(SIGNED_IN),
    "api-token-list": _all(ADMIN),
    "api-token-revoke": _all(ADMIN),
    # The administration of the framework; it also asks for staff status.
    "admin-login": _all(PUBLIC),
    "admin-password": _all(SIGNED_IN),
    "admin:": _all(ADMIN),
    "help": _all(VIEWER),
    "help-operators": _all(VIEWER),
    "help-reference": _all(VIEWER),
    # Home
    "home": _all(VIEWER),
    "home-live": _all(VIEWER),
    "changes": _all(VIEWER),
    "attention-acknowledge": _all(OPERATOR),
    "attention-undo": _all(OPERATOR),
    # Tasks
    "task-list": _all(VIEWER),
    "task-names": _all(VIEWER),
    "task-detail": _all(VIEWER),
    "task-ledger": _all(VIEWER),
    "task-ledger-csv": _all(VIEWER),
    "ledger": _all(VIEWER),
    "ledger-csv": _all(VIEWER),
    "task-run": _all(OPERATOR),
    "task-run-selected": _all(OPERATOR),
    # Sent to it is a task as typed in its form.
    "task-preview": Right(OPERATOR, ADMIN),
    "task-ledger-reexport": _all(OPERATOR),
    "task-create": _all(ADMIN),
    "task-edit": _all(ADMIN),
    "task-clone": _all(ADMIN),
    "task-archive": _all(ADMIN),
    "task-destinations": _all(ADMIN),
    "task-dates": _all(ADMIN),
    "task-undo-date": _all(ADMIN),
    "task-from-now": _all(ADMIN),
    "task-conditions": _all(ADMIN),
    "task-condition-check": _all(ADMIN),
    "task-description": _all(ADMIN),
    "task-preview-unsaved": _all(ADMIN),
    # Workflows
    "workflow-list": _all(VIEWER),
    "workflow-detail": _all(VIEWER),
    "workflow-runs": _all(VIEWER),
    "workflow-start": _all(OPERATOR),
    "workflow-create": _all(ADMIN),
    "workflow-edit": _all(ADMIN),
    "workflow-steps": _all(ADMIN),
    "workflow-archive": _all(ADMIN),
    "workflow-run-detail": _all(VIEWER),
    "workflow-run-progress": _all(VIEWER),
    "workflow-run-cancel": _all(OPERATOR),
    "workflow-run-resume": _all(OPERATOR),
    # Schedules
    "schedule-list": _all(VIEWER),
    "schedule-detail": _all(VIEWER),
    "calendar": _all(VIEWER),
    "due-time-list": _all(VIEWER),
    "schedule-create": _all(ADMIN),
    "schedule-edit": _all(ADMIN),
    "schedule-outlook": _all(ADMIN),
    "schedule-pause": _all(ADMIN),
    "schedule-resume": _all(ADMIN),
    "schedule-delete": _all(ADMIN),
    # Runs and their files
    "run-list": _all(VIEWER),
    "run-list-csv": _all(VIEWER),
    "run-list-zip": _all(VIEWER),
    "run-detail": _all(VIEWER),
    "run-progress": _all(VIEWER),
    "run-delivery": _all(VIEWER),
    "run-file": _all(VIEWER),
    "run-download": _all(VIEWER),
    "run-manifest": _all(VIEWER),
    "run-log": _all(VIEWER),
    "schema-download": _all(VIEWER),
    "run-cancel": _all(OPERATOR),
    "run-reexport": _all(OPERATOR),
    "run-accept-count": _all(OPERATOR),
    "run-mark": _all(OPERATOR),
    "run-unmark": _all(OPERATOR),
    "month-list": _all(VIEWER),
    "run-redeliver": _all(OPERATOR),
    "delivery-list": _all(VIEWER),
    "delivery-try": _all(OPERATOR),
    # Connections, destinations, channels: lists show names and states, forms what leads outside
    "connection-list": _all(VIEWER),
    "connection-create": _all(ADMIN),
    "connection-address": _all(ADMIN),
    "connection-edit": _all(ADMIN),
    "connection-test": _all(ADMIN),
    "connection-test-live": _all(ADMIN),
    "connection-delete": _all(ADMIN),
    "destination-list": _all(VIEWER),
    "destination-create": _all(ADMIN),
    "destination-edit": _all(ADMIN),
    "destination-test": _all(ADMIN),
    "destination-test-live": _all(ADMIN),
    "destination-forget-host-key": _all(ADMIN),
    "destination-delete": _all(ADMIN),
    "channel-list": _all(VIEWER),
    "channel-kind": _all(ADMIN),
    "channel-create": _all(ADMIN),
    "channel-edit": _all(ADMIN),
    "channel-test": _all(ADMIN),
    "channel-test-live": _all(ADMIN),
    "channel-delete": _all(ADMIN),
    "message-list": _all(VIEWER),
    "message-preview": _all(VIEWER),
    "message-again": _all(OPERATOR),
    # Settings
    "user-list": _all(ADMIN),
    "user-invite": _all(ADMIN),
    "user-detail": _all(ADMIN),
    "user-role": _all(ADMIN),
    "user-deactivate": _all(ADMIN),
    "user-activate": _all(ADMIN),
    "user-password-link": _all(ADMIN),
    "user-end-sessions": _all(ADMIN),
    "user-end-session": _all(ADMIN),
    "invitation-renew": _all(ADMIN),
    "invitation-revoke": _all(ADMIN),
    "audit-list": _all(ADMIN),
    "audit-list-csv": _all(ADMIN),
    "housekeeping": _all(VIEWER),
    "housekeeping-round": _all(VIEWER),
    "housekeeping-clean-up": _all(ADMIN),
    # The API, where a token's scope counts as a role; what each address shows to others is nothing
    # of this installation
    "api-unknown": _all(PUBLIC),
    "api:unknown": _all(PUBLIC),
    "api:openapi": _all(PUBLIC),
    "api:docs": _all(PUBLIC),
    "api:task-list": _all(VIEWER),
    "api:task-detail": _all(VIEWER),
    "api:task-ledger": _all(VIEWER),
    "api:task-runs": _all(OPERATOR),
    "api:run-list": _all(VIEWER),
    "api:run-detail": _all(VIEWER),
    "api:run-log": _all(VIEWER),
    "api:run-file": _all(VIEWER),
    "api:run-cancel": _all(OPERATOR),
    "api:run-deliveries": _all(OPERATOR),
    "api:workflow-list": _all(VIEWER),
    "api:workflow-detail": _all(VIEWER),
    "api:workflow-runs": Right(VIEWER, OPERATOR),
    "api:workflow-run-detail": _all(VIEWER),
    "api:workflow-run-cancel": _all(OPERATOR),
    "api:workflow-run-resume": _all(OPERATOR),
    "api:schedule-list": _all(VIEWER),
    "api:schedule-detail": _all(VIEWER),
    "api:schedule-pause": _all(ADMIN),
    "api:schedule-resume": _all(ADMIN),
    "api:due-time-list": _all(VIEWER),
    "api:delivery-list": _all(VIEWER),
    "api:delivery-detail": _all(VIEWER),
    "api:delivery-again": _all(OPERATOR),
    "api:connection-list": _all(VIEWER),
    "api:destination-list": _all(VIEWER),
    "api:channel-list": _all(VIEWER),
    "api:health": _all(VIEWER),
    "backups": _all(VIEWER),
    "backup-go-on": _all(ADMIN),
    "backup-take-in": _all(ADMIN),
}


def right_of(url_name: str) -> Right | None:
    """The row of a URL name, or else of its namespace; None when there is none."""
    namespace, colon, _name = url_name.rpartition(":")
    return RIGHTS.get(url_name) or RIGHTS.get(namespace + colon if colon else "")


def need_of(match: ResolverMatch | None, method: str | None) -> Need | None:
    """What a request needs; None when no row says so, and then it is refused."""
    right = right_of(match.view_name) if match else None
    return right.need(method or "GET") if right else None


def meets(user: "Person", need: Need | None) -> bool:
    if need is None:
        return False
    if need is PUBLIC:
        return True
    if need is SIGNED_IN:
        return user.is_authenticated
    role = role_of(user)
    return role is not None and isinstance(need, Role) and role.includes(need)


def may(user: "Person", url_name: str, method: str = "GET") -> bool:
    """Whether this person may use the address of that name; a name without a row raises."""
    right = right_of(url_name)
    if right is None:
        raise KeyError(f"{url_name} has no row in the rights table")
    return meets(user, right.need(method))
