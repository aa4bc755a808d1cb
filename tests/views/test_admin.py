"""The admin site shows everything but the private key, and changes nothing."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from exports.models import (
    ApiToken,
    Channel,
    Condition,
    Connection,
    Delivery,
    DueTime,
    HousekeepingRound,
    LedgerEntry,
    OneTimeLink,
    RunMark,
    Schedule,
    Task,
    Worker,
    Workflow,
    record_event,
)
from exports.models.codes import EventCode
from exports.models.one_time_links import issue_link
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
    Delivery.objects.plan(run)
    assert run.deliveries.get().take("sender")
    LedgerEntry.objects.create(task=task, run_id=run.pk, batch_id=284, content_hash="0" * 32)
    Worker.objects.see("worker-1", 1)
    HousekeepingRound.objects.ask("manual", timezone.now())
    workflow = Workflow.objects.create(name="Month end")
    workflow.replace_steps([task])
    workflow.queue_run("manual")
    channel = Channel(name="Ops", kind="webhook")
    channel.write_secrets({"signing_key": PRIVATE_KEY})
    channel.save()
    channel.subscribe([EventCode.FAILED])
    record_event(EventCode.FAILED, run=run, reason="Cut off.")
    schedule = Schedule.objects.create(task=task, cron="0 6 * * *", zone="UTC")
    DueTime.objects.create(
        schedule=schedule, due_at=timezone.now(), state="fired", run=run, settled_at=timezone.now()
    )
    person, _is_new = User.objects.get_or_create(username="Admin2")
    RunMark.objects.mark(run, RunMark.Kind.IMPORTED, "", person)
    ApiToken.objects.issue(person, "Nightly import", "read", 1)
    issue_link(OneTimeLink.Purpose.PASSWORD, user=person)
    return task


def test_every_kind_of_row_is_registered() -> None:
    kinds = {model._meta.model_name for model in apps.get_app_config("exports").get_models()}

    # Shown within the row they belong to or on Home, or internal: links for emergencies, the id
    # of the installation, and what a program's repeated request is answered with.
    internal = {"acknowledgement", "emergencylogin", "installation", "idempotencykey"}
    assert kinds - set(SHOWN) == {"condition", "workflowstep", "steprun"} | internal


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


@pytest.mark.parametrize(
    "address",
    [
        "connection/?private_key_token__startswith=g",
        "connection/?private_key_token__regex=^g",
        "connection/?public_key__startswith=A",
        "task/?connection__private_key_token__startswith=g",
        "run/?task__connection__private_key_token__gt=g",
        "run/?queued_at__year=" + "9" * 30,
        "ledgerentry/?run__task__connection__private_key_token__startswith=g",
    ],
)
def test_no_other_column_can_be_filtered_by(
    administrator: Client, everything: Task, address: str
) -> None:
    assert administrator.get(f"/admin/exports/{address}").status_code == 400


@pytest.mark.parametrize("lookup", ["password__startswith=md5", "email=x", "groups__name=x"])
def test_users_are_not_filtered_by_their_secrets(administrator: Client, lookup: str) -> None:
    assert administrator.get(f"/admin/auth/user/?{lookup}").status_code == 400
    assert administrator.get("/admin/auth/user/?is_superuser__exact=1").status_code == 200


def test_user_is_deactivated_not_deleted(administrator: Client, user: User) -> None:
    page = f"/admin/auth/user/{user.pk}/"
    assert administrator.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert "is_active" in administrator.get(f"{page}change/").content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    administrator.post("/admin/auth/user/", chosen)
    assert User.objects.filter(pk=user.pk).exists()


def test_history_keeps_the_name_of_its_user(make_task: MakeTask, user: User) -> None:
    run = succeed(make_task(), user)
    with pytest.raises(ProtectedError):
        user.delete()
    run.refresh_from_db()
    assert run.requested_by == user


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
