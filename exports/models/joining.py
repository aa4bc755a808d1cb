"""What a one-time link does when it is used: a new user, the first admin, a new password."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from exports import clock
from exports.access.roles import Role, granted_role, set_role
from exports.models.audit import AuditEntry, record_action
from exports.models.audit_actions import AuditAction
from exports.models.installations import Installation
from exports.models.one_time_links import OneTimeLink, issue_link
from exports.models.users import set_password

_Purpose = OneTimeLink.Purpose


class LinkOverError(Exception):
    """The link has been used, was revoked or has expired meanwhile."""


class NameTakenError(Exception):
    """Somebody else has this user name; the link can be used with another."""

    def __init__(self, name: str) -> None:
        sentence = _("%(name)s is taken. Choose another user name, e.g. with your surname.")
        super().__init__(sentence % {"name": name})


def is_name_taken(name: str) -> bool:
    """Names that differ only in capital letters would be taken for one another."""
    return User.objects.filter(username__iexact=name).exists()


def is_usable(link: OneTimeLink) -> bool:
    if link.purpose == _Purpose.SET_UP and User.objects.exists():
        return False
    is_barred = link.user is not None and not link.user.is_active
    return link.state == OneTimeLink.State.OPEN and not is_barred


@transaction.atomic
def use_link(link: OneTimeLink, user_name: str, password: str) -> User:
    """Do, once, what the link is for. Raises LinkOverError, NameTakenError."""
    if link.purpose == _Purpose.SET_UP:
        # With two links, as of two hosts that started at once, the second waits here.
        _lock_installation()
    if not is_usable(link) or not link.take():
        raise LinkOverError
    if link.purpose == _Purpose.PASSWORD:
        return _give_password(link, password)
    user = _make_user(link, link.user_name or user_name, password)
    OneTimeLink.objects.filter(pk=link.pk).update(user=user)
    record_action(AuditAction.USER_CREATED, user, {"role": ["", granted_role(user)]})
    return user


@transaction.atomic
def issue_set_up_link() -> str | None:
    """The token of a link for the first admin, in place of earlier ones; None with any user."""
    _lock_installation()
    if User.objects.exists():
        return None
    OneTimeLink.objects.filter(purpose=_Purpose.SET_UP).revoke()
    link, token = issue_link(_Purpose.SET_UP)
    record_action(AuditAction.SET_UP_LINK_MADE, link)
    return token


@transaction.atomic
def issue_password_link(user: User, by: str) -> tuple[OneTimeLink, str]:
    """A link for a new password, in place of earlier ones."""
    OneTimeLink.objects.filter(user=user, purpose=_Purpose.PASSWORD).revoke()
    link, token = issue_link(_Purpose.PASSWORD, by, user=user)
    record_action(AuditAction.PASSWORD_LINK_MADE, user)
    return link, token


def record_refusal(link: OneTimeLink) -> None:
    """Somebody opened a link that does not work any more; once an hour, as anybody can go on."""
    an_hour_ago = clock.now() - timedelta(hours=1)
    earlier = AuditEntry.objects.about(link).filter(action=AuditAction.LINK_REFUSED)
    if not earlier.filter(recorded_at__gt=an_hour_ago).exists():
        record_action(AuditAction.LINK_REFUSED, link, {"state": ["", link.state]})


def _give_password(link: OneTimeLink, password: str) -> User:
    assert link.user is not None  # noqa: S101  such a link has one
    user = User.objects.select_for_update(no_key=True).get(pk=link.user.pk)
    if not user.is_active:
        raise LinkOverError
    set_password(user, password)
    return user


def _make_user(link: OneTimeLink, name: str, password: str) -> User:
    if is_name_taken(name):
        raise NameTakenError(name)
    try:
        with transaction.atomic():
            if link.purpose == _Purpose.SET_UP:
                return User.objects.create_superuser(name, password=password)
            user = User.objects.create_user(name, link.email or None, password)
    except IntegrityError:
        raise NameTakenError(name) from None
    set_role(user, Role(link.role))
    return user


def _lock_installation() -> None:
    Installation.objects.own_id()
    Installation.objects.select_for_update(no_key=True).get()
