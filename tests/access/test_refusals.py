"""What is refused says so: which role is missing, and whom to ask (rule A5)."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from exports.access.roles import Role, role_of, set_role

pytestmark = [pytest.mark.django_db, pytest.mark.rule("A5")]


@pytest.fixture
def admins() -> list[User]:
    names = ("Ada", "Bert", "Cleo", "Dora")
    made = [User.objects.create_user(name, first_name=name, last_name="Admin") for name in names]
    for one in made:
        set_role(one, Role.ADMIN)
    return made


def client_of(role: Role | None) -> Client:
    client, user = Client(), User.objects.create_user("Olga")
    set_role(user, role)
    client.force_login(user)
    return client


def test_refusal_names_role_and_admins(admins: list[User]) -> None:
    User.objects.filter(pk=admins[0].pk).update(is_active=False)
    answer = client_of(Role.OPERATOR).get(reverse("task-create"))

    assert answer.status_code == 403
    page = " ".join(answer.content.decode().split())
    assert "This needs the role admin; yours is operator." in page
    assert "Ask an admin: Bert Admin, Cleo Admin, Dora Admin." in page


def test_login_without_role_sees_nothing(admins: list[User]) -> None:
    page = client_of(None).get(reverse("home")).content.decode()

    assert "Your login has no role yet" in page
    assert "Ada Admin" in page
    assert 'aria-label="Main"' not in page or reverse("task-list") not in page
    assert "data-changes" not in page


def test_refused_fragment_is_a_notice(admins: list[User]) -> None:
    viewer = client_of(Role.VIEWER)
    answer = viewer.post(reverse("task-run", args=[1]), headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Retarget"]) == (403, "#messages")
    assert "This needs the role operator" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_refusal_does_not_tell_what_exists() -> None:
    viewer = client_of(Role.VIEWER)
    person = User.objects.get()
    pages = [viewer.get(reverse("user-detail", args=[pk])) for pk in (person.pk, 999)]

    assert [page.status_code for page in pages] == [403, 403]
    assert Client().get("/nothing/").content == Client().get("/nothing-else/").content


def test_upgrade_makes_active_users_admins() -> None:
    Group.objects.all().delete()
    before = User.objects.create_user("Anna")
    gone = User.objects.create_user("Gone", is_active=False)
    migration = importlib.import_module("exports.migrations.0031_roles")
    migration.make_everybody_admin(apps, SimpleNamespace(connection=connection))

    assert role_of(User.objects.get(pk=before.pk)) is Role.ADMIN
    assert not gone.groups.exists()
    assert set(Group.objects.values_list("name", flat=True)) == set(Role.values)
