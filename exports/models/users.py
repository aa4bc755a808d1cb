"""Verbs on Django's users: each in one transaction, with what must not outlive the change."""

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils.translation import gettext as _

from exports.access.roles import Role, active_admins, granted_role, set_role
from exports.models.audit import SECRET_CHANGED, record_action
from exports.models.audit_actions import AuditAction
from exports.models.login_sessions import LoginSession, LoginSessionQuerySet
from exports.models.one_time_links import OneTimeLink, OneTimeLinkQuerySet


class LastAdminError(Exception):
    """Without this person nobody could give rights any more; `str()` says what to do."""

    def __init__(self, user: User) -> None:
        sentence = _(
            "%(user)s is the only active admin. Make somebody else an admin first, so that "
            "somebody can still invite people and give roles."
        )
        super().__init__(sentence % {"user": user.get_username()})


@transaction.atomic
def set_password(user: User, password: str) -> None:
    """Set a new password and end every session that was opened with the old one (rule A4)."""
    user.set_password(password)
    user.save(update_fields=["password"])
    LoginSession.objects.filter(user=user).end()
    _password_links(user).revoke()
    record_action(AuditAction.PASSWORD_CHANGED, user, {"password": SECRET_CHANGED})


@transaction.atomic
def change_role(user: User, role: Role) -> None:
    """Give this role alone; what is open in a browser follows it at the next click.

    Raises LastAdminError.
    """
    locked = _lock(user)
    before = granted_role(locked)
    if before == role:
        return
    if role != Role.ADMIN:
        if locked.is_active:
            _refuse_last_admin(locked)
        User.objects.filter(pk=locked.pk).update(is_superuser=False, is_staff=False)
    set_role(locked, role)
    record_action(AuditAction.ROLE_CHANGED, locked, {"role": [before or "", role]})


@transaction.atomic
def deactivate(user: User) -> None:
    """Nobody can log in as this user any more, and whoever is logged in is not.

    Raises LastAdminError.
    """
    locked = _lock(user)
    if not locked.is_active:
        return
    _refuse_last_admin(locked)
    User.objects.filter(pk=locked.pk).update(is_active=False)
    LoginSession.objects.filter(user=locked).end()
    _password_links(locked).revoke()
    record_action(AuditAction.DEACTIVATED, locked)


@transaction.atomic
def activate(user: User) -> None:
    """Undo a deactivation: the same role and password as before."""
    locked = _lock(user)
    if not locked.is_active:
        User.objects.filter(pk=locked.pk).update(is_active=True)
        record_action(AuditAction.ACTIVATED, locked)


@transaction.atomic
def end_sessions(user: User, rows: LoginSessionQuerySet | None = None) -> int:
    """End all sessions of this user, or those of `rows`; return how many."""
    mine = (LoginSession.objects.all() if rows is None else rows).of(user)
    places = sorted(set(mine.values_list("address", flat=True)))
    count = LoginSession.objects.filter(pk__in=list(mine.values_list("pk", flat=True))).end()
    if count:
        changes = {"count": [count, 0], "address": [places, []]}
        record_action(AuditAction.SESSION_ENDED, user, changes)
    return count


def _lock(user: User) -> User:
    """The user as stored. The group comes first, so that two changes of admins wait in turn."""
    Group.objects.get_or_create(name=Role.ADMIN.value)
    Group.objects.select_for_update(no_key=True).get(name=Role.ADMIN.value)
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _refuse_last_admin(user: User) -> None:
    is_admin = granted_role(user) == Role.ADMIN
    if is_admin and not active_admins().exclude(pk=user.pk).exists():
        raise LastAdminError(user)


def _password_links(user: User) -> "OneTimeLinkQuerySet":
    return OneTimeLink.objects.filter(user=user, purpose=OneTimeLink.Purpose.PASSWORD)
