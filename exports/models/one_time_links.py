"""One-time links: by which somebody new, or without a password, chooses one (rule A2).

Only a hash is stored, so each link is shown once; whoever opens it changes nothing by that.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports import clock
from exports.access.roles import Role
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction

# Of 256 random bits, which need no slow hash: nobody can try them all.
_RANDOM_BYTES: Final = 32


class OneTimeLinkQuerySet(models.QuerySet["OneTimeLink"]):
    def open(self) -> "OneTimeLinkQuerySet":
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=clock.now())

    def invitations(self) -> "OneTimeLinkQuerySet":
        """Those still waiting for somebody, also the expired: a new one can be sent."""
        waiting = self.filter(purpose=OneTimeLink.Purpose.INVITATION, used_at=None, revoked_at=None)
        return waiting.order_by("-pk")

    def of_token(self, token: str) -> "OneTimeLink | None":
        return self.select_related("user").filter(token_hash=_hash(token)).first()

    def revoke(self) -> int:
        """Links that were used stay used."""
        return self.filter(used_at=None, revoked_at=None).update(revoked_at=clock.now())

    def ended(self) -> "OneTimeLinkQuerySet":
        over = Q(used_at__isnull=False) | Q(revoked_at__isnull=False)
        return self.filter(over | Q(expires_at__lte=clock.now()))


class OneTimeLink(models.Model):
    """A link that works once, for one person and one purpose."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation", gettext_lazy("Invitation")
        PASSWORD = "password", gettext_lazy("New password")
        SET_UP = "set_up", gettext_lazy("First login")

    class State(models.TextChoices):
        OPEN = "open", gettext_lazy("Open")
        USED = "used", gettext_lazy("Used")
        REVOKED = "revoked", gettext_lazy("Revoked")
        EXPIRED = "expired", gettext_lazy("Expired")

    LIFETIMES: Final = {
        Purpose.INVITATION: timedelta(days=7),
        Purpose.PASSWORD: timedelta(days=1),
        Purpose.SET_UP: timedelta(days=1),
    }

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    # Who gets the password; of an invitation whom it made.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="one_time_links"
    )
    # Of an invitation: who is invited, by one of the two, and as what.
    user_name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=150, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = OneTimeLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None), name="a_used_link_is_not_revoked"
            ),
        ]
        indexes = [models.Index(fields=["purpose", "-id"], name="one_time_link_purpose")]

    def __str__(self) -> str:
        return self.person or self.get_purpose_display()

    @property
    def person(self) -> str:
        """Whom it is for."""
        return self.user.get_username() if self.user else self.user_name or self.email

    @property
    def state(self) -> "OneTimeLink.State":
        if self.used_at is not None:
            return self.State.USED
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at <= clock.now() else self.State.OPEN

    def take(self) -> bool:
        """Use it up; False when it is not open any more. The caller's transaction decides."""
        taken = OneTimeLink.objects.open().filter(pk=self.pk)
        return taken.update(used_at=clock.now()) == 1

    @transaction.atomic
    def withdraw(self) -> bool:
        """Revoke it; False when it was used or revoked before."""
        is_done = OneTimeLink.objects.filter(pk=self.pk).revoke() == 1
        if is_done:
            record_action(AuditAction.INVITATION_REVOKED, self)
        return is_done

    @transaction.atomic
    def renew(self, by: str) -> "tuple[OneTimeLink, str] | None":
        """A new link for the same person, in place of this one; None when this one is over."""
        if not OneTimeLink.objects.filter(pk=self.pk).revoke():
            return None
        fields = {name: getattr(self, name) for name in ("user", "user_name", "email", "role")}
        link, token = issue_link(self.Purpose(self.purpose), by, **fields)
        record_action(AuditAction.INVITATION_RENEWED, link)
        return link, token


@transaction.atomic
def invite(role: Role, by: str, *, user_name: str = "", email: str = "") -> tuple[OneTimeLink, str]:
    """An invitation, by user name or e-mail address, and its token."""
    purpose = OneTimeLink.Purpose.INVITATION
    link, token = issue_link(purpose, by, user_name=user_name, email=email, role=role.value)
    record_action(AuditAction.USER_INVITED, link, {"role": ["", role.value]})
    return link, token


def issue_link(
    purpose: OneTimeLink.Purpose,
    by: str = "",
    *,
    user: User | None = None,
    user_name: str = "",
    email: str = "",
    role: str = "",
) -> tuple[OneTimeLink, str]:
    """A new link, and its token, which cannot be had again."""
    token = secrets.token_urlsafe(_RANDOM_BYTES)
    link = OneTimeLink.objects.create(
        purpose=purpose,
        token_hash=_hash(token),
        user=user,
        user_name=user_name,
        email=email,
        role=role,
        created_by=by,
        expires_at=clock.now() + OneTimeLink.LIFETIMES[purpose],
    )
    return link, token


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
