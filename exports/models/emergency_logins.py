"""The way in when no other is left: a link that logs one user in, once, within 15 minutes.

Made by a command on the server; whoever may run that can read and change everything anyway.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction

LIFETIME: Final = timedelta(minutes=15)


class EmergencyLogin(models.Model):
    """One link; its token is not stored, only what recognizes it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.user}, {self.created_at}"


@transaction.atomic
def issue_emergency_login(user: User) -> str:
    """The token of a new link; earlier links of this user are void."""
    token = secrets.token_urlsafe(32)
    EmergencyLogin.objects.filter(user=user).delete()
    EmergencyLogin.objects.create(
        user=user, token_hash=_hash(token), expires_at=clock.now() + LIFETIME
    )
    record_action(AuditAction.EMERGENCY_LINK_MADE, user)
    return token


def holder_of(token: str) -> User | None:
    """Whom a link would log in; None for one that is unknown, used or too old."""
    row = _usable(token).select_related("user").first()
    return row.user if row else None


@transaction.atomic
def use_emergency_login(token: str) -> User | None:
    """Use the link up. Of two at the same moment one gets the user."""
    row = _usable(token).select_related("user").first()
    if row is None or not _usable(token).update(used_at=clock.now()):
        return None
    return row.user


def _usable(token: str) -> models.QuerySet[EmergencyLogin]:
    return EmergencyLogin.objects.filter(
        token_hash=_hash(token),
        used_at=None,
        expires_at__gt=clock.now(),
        user__is_active=True,
    )


def _hash(token: str) -> str:
    # Random enough that nothing slower is needed.
    return sha256(token.encode()).hexdigest()
