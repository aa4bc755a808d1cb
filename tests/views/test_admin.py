"""The administration shows everything but the private key, and changes nothing."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from exports.models import Condition, Connection, LedgerEntry, Task, Worker
from tests.conftest import MakeTask
from tests.screen_fixtures import succeed

pytestmark = pytest.mark.django_db

PRIVATE_KEY = 'pK-"é&<9\\z'
SHOWN = sorted(
    model._meta.model_name
    for model in admin.site._registry
    if model._meta.app_label == "exports" and model._meta.model_name
)


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("Admin2"))
    return client


@pytest.fixture
def everything(connection: Connection, make_task: MakeTask) -> Task:
    """A row of every kind."""
    connection.write_private_key(PRIVATE_KEY)
    connection.save()
    task = make_task()
    Condition.objects.create(task=task, position=0, field="id", comparison="Equal", value="284")
    run = succeed(task)
    LedgerEntry.objects.create(task=task, run=run, batch_id=284, content_hash="0" * 32)
    Worker.objects.see("worker-1", 1)
    return task


def test_every_kind_of_row_is_registered() -> None:
    kinds = {model._meta.model_name for model in apps.get_app_config("exports").get_models()}

    assert kinds - set(SHOWN) == {"condition"}  # shown within its task


@pytest.mark.parametrize("kind", SHOWN)
def test_admin_shows_no_private_key(administrator: Client, everything: Task, kind: str) -> None:
    row = apps.get_model("exports", kind).objects.order_by("pk").first()
    assert row is not None
    connection = Connection.objects.get()

    for address in (f"/admin/exports/{kind}/", f"/admin/exports/{kind}/{row.pk}/change/"):
        response = administrator.get(address)
        assert response.status_code == 200
        page = response.content.decode()
        for secret in (PRIVATE_KEY, "pK-", json.dumps(PRIVATE_KEY), connection.private_key_token):
            assert secret not in page


@pytest.mark.parametrize("kind", SHOWN)
def test_nothing_can_be_added_changed_or_deleted(
    administrator: Client, everything: Task, kind: str
) -> None:
    row = apps.get_model("exports", kind).objects.order_by("pk").first()
    assert row is not None

    pages = (f"{row.pk}/change/", f"{row.pk}/delete/", "add/")
    answers = [
        administrator.post(f"/admin/exports/{kind}/{page}", {"post": "yes"}) for page in pages
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert apps.get_model("exports", kind).objects.filter(pk=row.pk).exists()


def test_the_private_key_cannot_be_sent_elsewhere(administrator: Client, everything: Task) -> None:
    connection = Connection.objects.get()

    administrator.post(
        f"/admin/exports/connection/{connection.pk}/change/",
        {"name": "Acme", "site": "https://evil.example.com", "company": "acme", "public_key": "x"},
    )

    assert Connection.objects.get().site == connection.site


def test_the_title_names_the_product(administrator: Client) -> None:
    assert "cwexport administration" in administrator.get("/admin/").content.decode()


def test_user_without_staff_rights_must_log_in(signed_in: Client) -> None:
    response = signed_in.get("/admin/exports/connection/")

    assert response.headers["Location"].startswith("/admin/login/")
