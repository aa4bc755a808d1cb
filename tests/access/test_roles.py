"""Roles are groups; a superuser is an admin; whoever has none may do nothing."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User

from exports.access.rights import may
from exports.access.roles import Role, active_admins, role_of, set_role
from exports.forms.users import RoleForm
from exports.sign_in.registration import ROLES

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A1")]


@pytest.fixture
def person() -> User:
    return User.objects.create_user("Anna")


def test_role_is_the_highest_group(person: User) -> None:
    assert role_of(person) is None
    set_role(person, Role.VIEWER)
    assert role_of(person) is Role.VIEWER
    person.groups.add(Group.objects.get(name="operator"), Group.objects.create(name="accounting"))
    assert role_of(person) is Role.OPERATOR


def test_set_role_keeps_other_groups(person: User) -> None:
    person.groups.add(Group.objects.create(name="accounting"))
    set_role(person, Role.ADMIN)
    set_role(person, Role.VIEWER)

    assert role_of(person) is Role.VIEWER
    assert person.groups.filter(name="accounting").exists()


def test_superuser_is_an_admin(person: User) -> None:
    root = User.objects.create_superuser("Root")
    set_role(person, Role.ADMIN)

    assert role_of(root) is Role.ADMIN
    assert list(active_admins()) == [person, root]


def test_deactivated_people_may_nothing(person: User) -> None:
    set_role(person, Role.ADMIN)
    person.is_active = False
    person.save()

    assert role_of(person) is None
    assert list(active_admins()) == []
    assert not may(person, "home")


def test_strangers_have_no_role() -> None:
    assert role_of(AnonymousUser()) is None


def test_every_role_can_be_given() -> None:
    offered = dict(RoleForm.base_fields["role"].choices)

    assert list(offered) == list(ROLES) == list(Role)


def test_names_without_row_are_mistakes(person: User) -> None:
    with pytest.raises(KeyError, match="no row"):
        may(person, "nothing")
