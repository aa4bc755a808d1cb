"""Sessions: one row for each browser that is logged in, or that has opened the login form."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Count, Q

from exports import clock


def hash_key(session_key: str) -> str:
    """What is stored of a key: who reads the database, or a backup, cannot use it as a cookie."""
    return sha256(session_key.encode()).hexdigest()


class LoginSessionQuerySet(models.QuerySet["LoginSession"]):
    def open(self, now: datetime | None = None) -> "LoginSessionQuerySet":
        """Those that have not expired; a logged-in one also expires when nobody uses it."""
        return self.filter(_is_open(now or clock.now()))

    def expired(self, now: datetime | None = None) -> "LoginSessionQuerySet":
        return self.exclude(_is_open(now or clock.now()))

    def with_key(self, session_key: str) -> "LoginSessionQuerySet":
        return self.filter(key_hash=hash_key(session_key))

    def without_key(self, session_key: str) -> "LoginSessionQuerySet":
        return self.exclude(key_hash=hash_key(session_key))

    def counts(self, user_ids: Iterable[int]) -> dict[int, int]:
        """How many are open, by user; without those that have none."""
        rows = self.open().filter(user_id__in=list(user_ids)).values("user_id")
        return {row["user_id"]: row["count"] for row in rows.annotate(count=Count("pk"))}

    def of(self, user: AbstractBaseUser) -> "LoginSessionQuerySet":
        """The open sessions of a user, the one used last first."""
        return self.open().filter(user_id=user.pk).order_by("-last_seen_at", "-pk")

    def end(self) -> int:
        """End these sessions: their cookies are refused from the next request on."""
        return self.delete()[0]


class LoginSession(models.Model):
    """A session of the web pages; `user` is empty before the login."""

    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    # What Django keeps in a session, signed; read and written by its SessionStore alone.
    content = models.TextField(editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="login_sessions"
    )
    started_at = models.DateTimeField(default=clock.now)
    # The last request a person made, to the minute: pages that reload themselves do not count.
    last_seen_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=200, blank=True)

    objects = LoginSessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="login_session_expires"),
            models.Index(fields=["last_seen_at"], name="login_session_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.address}"

    def has_key(self, session_key: str | None) -> bool:
        """Whether it is the session with this key."""
        return session_key is not None and self.key_hash == hash_key(session_key)


def longest_login() -> timedelta:
    """How long a login lasts at most, however much it is used."""
    return timedelta(hours=settings.CWEXPORT_SESSION_MAX_HOURS)


def _is_open(now: datetime) -> Q:
    idle = timedelta(hours=settings.CWEXPORT_SESSION_IDLE_HOURS)
    return Q(expires_at__gt=now) & (Q(user=None) | Q(last_seen_at__gt=now - idle))
