"""Whom a proven identity logs in: found by issuer and subject alone, with the roles of its groups.

A user is never found by name or e-mail: whoever can choose those at the provider would take over
accounts here.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, TypeVar

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from exports.access.roles import Role, set_role
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.joining import is_name_taken
from exports.models.users import LastAdminError, change_role
from exports.sign_in.discovery import sign_on
from exports.sign_in.errors import SignOnError, SignOnErrorCode
from exports.sign_in.id_tokens import Identity
from exports.sign_in.registration import ROLES

_T = TypeVar("_T")
_UNFIT: Final = re.compile(r"[^\w.@+-]+")


def admit(identity: Identity) -> User:
    """The user of an identity, made at the first login, with the role that its groups give now.

    Raises SignOnError, and then nothing was changed.
    """
    return _tried_twice(lambda: _admit(identity))


def connect(user: User, identity: Identity) -> None:
    """Let this user log in by this identity from now on. Raises SignOnError."""
    _tried_twice(lambda: _connect(user, identity))


def _tried_twice(admitted: Callable[[], _T]) -> _T:
    """Of two first logins of one person at the same moment, the second finds the first."""
    try:
        return admitted()
    except IntegrityError:
        return admitted()


@transaction.atomic
def _admit(identity: Identity) -> User:
    account = _account_of(identity)
    if account and not account.user.is_active:
        raise SignOnError(SignOnErrorCode.DEACTIVATED, who=account.user.get_username())
    role = _role_of(identity)
    if not account:
        user = _create_user(identity, role)
        _link(user, identity)
        return user
    # The only admin stays one: nobody could give roles any more.
    with suppress(LastAdminError):
        change_role(account.user, role)
    return User.objects.get(pk=account.user_id)


@transaction.atomic
def _connect(user: User, identity: Identity) -> None:
    account = _account_of(identity)
    if account and account.user_id == user.pk:
        return
    if account or account_of_user(user):
        raise SignOnError(SignOnErrorCode.ALREADY_CONNECTED, who=identity.user_name)
    _link(user, identity)
    record_action(AuditAction.SIGN_ON_CONNECTED, user)


@transaction.atomic
def disconnect(user: User) -> bool:
    """Whether there was anything to disconnect."""
    rows = SocialAccount.objects.filter(user=user, provider=sign_on().issuer)
    is_done = bool(rows.delete()[0])
    if is_done:
        record_action(AuditAction.SIGN_ON_DISCONNECTED, user)
    return is_done


def account_of_user(user: User) -> SocialAccount | None:
    return SocialAccount.objects.filter(user=user, provider=sign_on().issuer).first()


def _account_of(identity: Identity) -> SocialAccount | None:
    return (
        SocialAccount.objects.select_related("user")
        .filter(provider=identity.issuer, uid=identity.subject)
        .first()
    )


def _link(user: User, identity: Identity) -> None:
    SocialAccount.objects.create(user=user, provider=identity.issuer, uid=identity.subject)


def _role_of(identity: Identity) -> Role:
    wanted = sign_on()
    groups = {group for name in wanted.role_claims for group in _words(identity.claims.get(name))}
    roles = {role for group, role in wanted.roles.items() if group in groups}
    if roles:
        return Role(max(roles, key=ROLES.index))
    # Microsoft names the place to ask instead of the groups, where there are too many.
    is_left_out = "_claim_names" in identity.claims or identity.claims.get("hasgroups")
    code = SignOnErrorCode.TOO_MANY_GROUPS if is_left_out else SignOnErrorCode.NO_ROLE
    raise SignOnError(code, who=identity.user_name)


def _words(claim: object) -> Iterable[str]:
    if isinstance(claim, str):
        return claim.split() if " " in claim else [claim]
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else []


def _create_user(identity: Identity, role: Role) -> User:
    name = _UNFIT.sub("-", identity.user_name).strip("-")[:150]
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise SignOnError(SignOnErrorCode.NONSENSE, "no usable user name") from None
    if is_name_taken(name):
        raise SignOnError(SignOnErrorCode.NAME_TAKEN, who=name)
    # Without a password that could be used.
    user = User.objects.create_user(name)
    set_role(user, role)
    record_action(AuditAction.USER_CREATED, user, {"role": ["", role]})
    return user
