"""The pages of destinations: list, form, test, delete; and the destinations of a task."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.delivery.registry import all_kinds
from exports.models import Connection, Delivery, Destination, Task, TaskDestination
from tests.conftest import MakeTask
from tests.screen_fixtures import succeed
from tests.views.form_data import CREATE as CREATE_TASK
from tests.views.form_data import edit_url, edited, new_task

pytestmark = pytest.mark.django_db

SFTP = {
    "name": "Acme's server",
    "host": "sftp.example.com",
    "port": "22",
    "user": "acme",
    "password": "pa55-word-for-acme",
    "private_key": "",
    "folder": "/in",
    "method": "PUT",
    "save": "yes",
}


def create(client: Client, kind: str = "sftp", **changed: str) -> str:
    address = f"{reverse('destination-create')}?kind={kind}"
    return client.post(address, {**SFTP, **changed}, follow=True).content.decode()


def edit(client: Client, row: Destination, **changed: str) -> str:
    address = reverse("destination-edit", args=[row.pk])
    return client.post(address, {**SFTP, "password": "", **changed}, follow=True).content.decode()


@pytest.mark.rule("D1")
def test_each_kind_has_its_form(signed_in: Client) -> None:
    page = signed_in.get(reverse("destination-create")).content.decode()
    for kind in all_kinds():
        assert f"?kind={kind.code}" in page
        form = signed_in.get(f"{reverse('destination-create')}?kind={kind.code}").content.decode()
        assert all(f'name="{one.name}"' in form for one in kind.fields)


@pytest.mark.rule("C3")
def test_secrets_go_in_and_never_come_out(signed_in: Client) -> None:
    page = create(signed_in)
    row = Destination.objects.get(kind="sftp")

    assert "was saved" in page
    assert row.read_secrets()["password"] == SFTP["password"]
    assert row.address == {"host": "sftp.example.com", "port": 22, "user": "acme", "folder": "/in"}
    for shown in (page, create(signed_in, name="", password="pa55-word-for-acme")):
        assert "pa55-word-for-acme" not in shown


@pytest.mark.rule("C5")
def test_other_host_needs_the_password_again(signed_in: Client) -> None:
    create(signed_in)
    row = Destination.objects.get(kind="sftp")
    Destination.objects.filter(pk=row.pk).update(host_key="ssh-ed25519 AAAA")
    assert "Type the secret too" in edit(signed_in, row, host="elsewhere.example.com")
    edit(signed_in, row, host="elsewhere.example.com", password="pa55-word-for-acme")

    row.refresh_from_db()
    assert (row.address["host"], row.host_key) == ("elsewhere.example.com", "")


def test_blank_secret_keeps_the_stored_one(signed_in: Client) -> None:
    create(signed_in)
    row = Destination.objects.get(kind="sftp")
    edit(signed_in, row, folder="/out")
    row.refresh_from_db()

    assert (row.address["folder"], row.read_secrets()["password"]) == ("/out", SFTP["password"])


@pytest.mark.parametrize(
    ("kind", "changed", "sentence"),
    [
        ("sftp", {"host": "sftp://x/y"}, "the name of the host alone"),
        ("sftp", {"host": "10.0.0.1"}, "CWEXPORT_ALLOWED_NETWORKS"),
        ("sftp", {"port": "0"}, "from 1 to 65535"),
        ("sftp", {"private_key": "-----BEGIN no key"}, "no private key that can be read"),
        ("folder", {"path": "/etc"}, "CWEXPORT_DELIVERY_FOLDERS"),
        ("folder", {"path": "etc"}, "whole path"),
        ("https", {"url": "https://a:b@example.com/"}, "no user name or password"),
        ("https", {"url": "https://example.com/", "headers": "Host: x"}, "set by the upload"),
        ("webdav", {"url": ""}, "beginning with https://"),
    ],
)
def test_wrong_fields_are_refused_in_words(
    signed_in: Client, kind: str, changed: dict[str, str], sentence: str
) -> None:
    page = create(signed_in, kind, **changed)

    assert sentence in page
    assert "Nothing was saved yet" in page
    assert not Destination.objects.filter(name=SFTP["name"]).exists()


def test_two_destinations_never_share_a_place(signed_in: Client) -> None:
    create(signed_in)
    page = create(signed_in, name="The same again")

    assert "Acme&#x27;s server writes there already" in page


@pytest.mark.rule("D1")
def test_folder_is_tested_with_a_real_file(
    signed_in: Client, tmp_path: Path, settings: Settings
) -> None:
    settings.CWEXPORT_DELIVERY_FOLDERS = [tmp_path]
    (tmp_path / "acme").mkdir()
    page = create(signed_in, "folder", path=str(tmp_path / "acme"), test="yes")

    assert "every step passed" in page
    assert list((tmp_path / "acme").iterdir()) == []
    live = reverse("destination-test-live", args=[Destination.objects.get(name=SFTP["name"]).pk])
    streamed = b"".join(signed_in.post(live).streaming_content).decode()  # type: ignore[attr-defined]
    assert streamed.count("\f") == 5


def test_list_names_last_test_and_users(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    page = signed_in.get(reverse("destination-list")).content.decode()

    assert "Export folder" in page
    assert task.name in page
    assert "Not tested" in page


def test_page_tells_which_tasks_deliver_there(signed_in: Client, make_task: MakeTask) -> None:
    create(signed_in)
    row, task = Destination.objects.get(kind="sftp"), make_task()
    address = reverse("destination-edit", args=[row.pk])
    assert "Choose it on the page of a task" in signed_in.get(address).content.decode()
    TaskDestination.objects.create(task=task, destination=row)

    assert reverse("task-detail", args=[task.pk]) in signed_in.get(address).content.decode()


def test_used_destination_is_not_deleted(signed_in: Client, make_task: MakeTask) -> None:
    create(signed_in)
    row = Destination.objects.get(kind="sftp")
    use = TaskDestination.objects.create(task=make_task(), destination=row)
    address = reverse("destination-delete", args=[row.pk])
    assert signed_in.post(address).status_code == 409
    use.delete()
    signed_in.post(address)

    assert not Destination.objects.filter(pk=row.pk).exists()


def test_deleted_destination_stays_on_record(signed_in: Client, make_task: MakeTask) -> None:
    create(signed_in)
    row = Destination.objects.get(kind="sftp")
    run = succeed(make_task())
    kept = Delivery.objects.create(
        run=run, destination=row, destination_name=row.name, file_name="a.xml", state="delivered"
    )
    row.remove()
    kept.refresh_from_db()

    assert (kept.destination, kept.destination_name) == (None, "Acme's server")


def test_export_folder_is_never_deleted(signed_in: Client) -> None:
    folder = Destination.objects.export_folder()
    assert signed_in.post(reverse("destination-delete", args=[folder.pk])).status_code == 409
    page = signed_in.get(reverse("destination-edit", args=[folder.pk])).content.decode()
    assert "CWEXPORT_EXPORT_DIR" in page


@pytest.mark.rule("D2")
def test_new_task_says_where_files_go(signed_in: Client, connection: Connection) -> None:
    create(signed_in)
    page = signed_in.post(CREATE_TASK, new_task(connection), follow=True).content.decode()
    assert "Its files go to Export folder. Other places are chosen under Destinations" in page
    task = Task.objects.get()
    page = signed_in.post(edit_url(task), edited(task), follow=True).content.decode()

    assert "Its files go to" not in page


@pytest.mark.rule("D2")
def test_task_chooses_its_destinations(signed_in: Client, make_task: MakeTask) -> None:
    create(signed_in)
    row, task = Destination.objects.get(kind="sftp"), make_task()
    address = reverse("task-destinations", args=[task.pk])
    typed = {f"use-{row.pk}": "on", f"name-{row.pk}": "acme-{run}.txt", f"empty-{row.pk}": "on"}
    assert "must end in .xml" in signed_in.post(address, typed).content.decode()
    typed[f"name-{row.pk}"] = "acme-{run}.xml"
    page = signed_in.post(address, typed, follow=True).content.decode()

    assert "The destinations of Nightly batches were saved." in page
    assert "acme-{run}.xml" in page
    use = task.task_destinations.get()
    assert (use.destination, use.sends_empty) == (row, True)


@pytest.mark.rule("D2")
def test_new_destination_leads_back_to_its_task(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    back = reverse("task-destinations", args=[task.pk])
    choice = f"{reverse('destination-create')}?task={task.pk}"
    form = f"{reverse('destination-create')}?kind=sftp&amp;task={task.pk}"
    assert choice in signed_in.get(back).content.decode()
    assert form in signed_in.get(choice).content.decode()
    form = form.replace("&amp;", "&")
    assert f'href="{back}">Cancel' in signed_in.get(form).content.decode()

    page = signed_in.post(form, SFTP, follow=True).content.decode()

    assert f'href="{back}">Choose it for Nightly batches' in page
    for unknown in ("0", "x", "99999999999999999999"):
        other = f"{reverse('destination-create')}?kind=sftp&task={unknown}"
        assert signed_in.get(other).status_code == 200
