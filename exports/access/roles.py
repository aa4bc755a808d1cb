"""The three roles (rule A1): what a person may do, as membership of a group of the same name."""

from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import Q, QuerySet, TextChoices, prefetch_related_objects
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    Person = User | AnonymousUser


class Role(TextChoices):
    """From least to most: each may also do what those before it may."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    OPERATOR = "operator", gettext_lazy("Operator")
    ADMIN = "admin", gettext_lazy("Admin")

    def includes(self, other: "Role") -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}


# What the scope of a token allows at most, as the role that a person would need.
ROLE_OF_SCOPE: Final = {"read": Role.VIEWER, "run": Role.OPERATOR, "admin": Role.ADMIN}


def role_of(user: "Person") -> Role | None:
    """The highest role of this person; None for nobody, the deactivated and those without one."""
    return granted_role(user) if user.is_active and user.is_authenticated else None


def granted_role(user: "User") -> Role | None:
    """The same, also of a deactivated user, who has it again once activated.

    The groups are asked for once and kept at the instance.
    """
    if user.is_superuser:
        return Role.ADMIN
    prefetch_related_objects([user], "groups")
    names = {group.name for group in user.groups.all()}
    return max((role for role in Role if role.value in names), key=_RANKS.__getitem__, default=None)


def set_role(user: "User", role: Role | None) -> None:
    """Make `role` the only one of this person; a superuser stays admin whatever the role."""
    user.groups.remove(*Group.objects.filter(name__in=Role.values))
    if role is not None:
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])


def active_admins() -> "QuerySet[User]":
    """Who may do everything, and whom everybody else can ask; the first to join come first."""
    is_admin = Q(is_superuser=True) | Q(groups__name=Role.ADMIN.value)
    return get_user_model().objects.filter(is_admin, is_active=True).distinct().order_by("pk")
