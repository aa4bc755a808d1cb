"""What the pages of users show: each with role, state and sessions, in a handful of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from exports.access.roles import Role, granted_role
from exports.models import LoginSession
from exports.sign_in.factors import who_has_factor

# By what only this browser says of itself; each also names those below it.
_BROWSERS: Final = (
    ("EdgiOS", "Edge"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST_UNKNOWN: Final = 60


@dataclass(frozen=True)
class UserLine:
    user: User
    role: Role | None
    session_count: int
    has_second_factor: bool

    @property
    def role_label(self) -> str:
        return str(self.role.label) if self.role else _("None")


@dataclass(frozen=True)
class SessionLine:
    pk: int
    browser: str
    address: str
    started_at: datetime
    last_seen_at: datetime
    is_this_one: bool


def users_in_order() -> "QuerySet[User]":
    """The active ones first, by name."""
    return User.objects.prefetch_related("groups").order_by("-is_active", Lower("username"))


def user_lines(users: Iterable[User]) -> list[UserLine]:
    listed = list(users)
    keys = [user.pk for user in listed]
    counts, with_factor = LoginSession.objects.counts(keys), who_has_factor(keys)
    return [
        UserLine(user, granted_role(user), counts.get(user.pk, 0), user.pk in with_factor)
        for user in listed
    ]


def session_lines(user: User, session_key: str | None) -> list[SessionLine]:
    """The open sessions; `session_key` is that of who looks."""
    return [
        SessionLine(
            row.pk,
            describe_browser(row.browser),
            row.address,
            row.started_at,
            row.last_seen_at,
            row.has_key(session_key),
        )
        for row in LoginSession.objects.of(user)
    ]


def describe_browser(text: str) -> str:
    """`Firefox on Linux`, from what a browser says of itself."""
    browser = next((name for mark, name in _BROWSERS if f"{mark}/" in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or text[:_LONGEST_UNKNOWN] or _("Unknown browser")
