"""Tokens by which programs use the API; only a hash is stored, so each is shown once (rule I2)."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Lets people and scanners of source code recognize a token.
PREFIX: Final = "cwx_"
# Of 256 random bits, which need no slow hash: nobody can try them all.
_RANDOM_BYTES: Final = 32
_HINT_LENGTH: Final = len(PREFIX) + 4
DEFAULT_DAYS: Final = 90
# No token is for ever: one that was forgotten somewhere stops working.
MAX_DAYS: Final = 366
# The last use is written at most this often, so that reading costs no write.
_USE_WRITTEN_EVERY: Final = timedelta(minutes=1)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def issue(self, user: "User", name: str, scope: str, days: int) -> tuple["ApiToken", str]:
        """A new token, and its text, which cannot be had again."""
        text = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        with transaction.atomic():
            token = self.create(
                user=user,
                name=name,
                scope=scope,
                token_hash=_hash(text),
                hint=text[:_HINT_LENGTH],
                expires_at=clock.now() + timedelta(days=days),
            )
            granted = {"user": user, "scope": scope, "expires_at": token.expires_at}
            record_action(
                AuditAction.TOKEN_CREATED, token, {key: [None, granted[key]] for key in granted}
            )
        return token, text

    def of_text(self, text: str) -> "ApiToken | None":
        """The token with this text, whether or not it still works."""
        if not text.startswith(PREFIX):
            return None
        return self.select_related("user").filter(token_hash=_hash(text)).first()

    def newest_first(self) -> "ApiTokenQuerySet":
        return self.select_related("user", "revoked_by").order_by("-id")


class ApiToken(models.Model):
    """A program's way in: it acts as its user, within its scope and the user's role."""

    class Scope(models.TextChoices):
        READ = "read", gettext_lazy("Read: see and download")
        RUN = "run", gettext_lazy("Run: also run, cancel, resume and deliver again")
        ADMIN = "admin", gettext_lazy("Admin: also pause and resume schedules")

    class State(models.TextChoices):
        VALID = "valid", gettext_lazy("Valid")
        EXPIRED = "expired", gettext_lazy("Expired")
        REVOKED = "revoked", gettext_lazy("Revoked")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(gettext_lazy("Name"), max_length=100)
    scope = models.CharField(gettext_lazy("Scope"), max_length=5, choices=Scope.choices)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    # Its first characters, by which its owner tells it from others.
    hint = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(scope__in=["read", "run", "admin"]), name="token_scope_is_known"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_token_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> "ApiToken.State":
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at <= clock.now() else self.State.VALID

    def record_use(self, address: str) -> None:
        now = clock.now()
        if self.last_used_at is not None and now - self.last_used_at < _USE_WRITTEN_EVERY:
            return
        # Of many requests at once only one writes.
        unwritten = ApiToken.objects.filter(pk=self.pk, last_used_at=self.last_used_at)
        unwritten.update(last_used_at=now, last_used_from=address)

    def revoke(self, user: Any = None) -> bool:
        """End it for good; False when it has ended so before."""
        revoked = ApiToken.objects.filter(pk=self.pk, revoked_at=None)
        with transaction.atomic():
            is_revoked = revoked.update(revoked_at=clock.now(), revoked_by=user) == 1
            if is_revoked:
                record_action(AuditAction.TOKEN_REVOKED, self, {"user": [None, self.user]})
        return is_revoked


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
