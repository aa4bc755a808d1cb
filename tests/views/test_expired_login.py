"""What becomes of a button pressed, or a form sent, after the login has expired."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Run, Task
from exports.views.expired_login import TYPED as TYPED_BEFORE
from tests.screen_fixtures import fail
from tests.views.connection_pages import (
    NEW,
    PRIVATE_KEY,
    TYPED,
    edit_page,
    messages_of,
    saved_connection,
    shows_the_key,
)
from tests.views.form_data import CREATE, EARLIEST, edit_url, edited, new_task

MakeTask = Callable[..., Task]
PASSWORD = "correct horse"  # as in the cast of the screens
NOT_DONE = "Your login had expired, so this was not done: press the button again."

pytestmark = pytest.mark.usefixtures("user")


def log_in_and_go_on(client: Client, refused: Any) -> Any:
    """Follow an answer to the login, log in there, and give the page one arrives at."""
    assert refused.status_code == 302
    typed = {"username": "Admin1", "password": PASSWORD}
    return client.post(refused.headers["Location"], typed, follow=True)


@pytest.mark.parametrize("name", ["task-run", "task-archive", "task-dates", "task-ledger-reexport"])
def test_late_button_leads_back_and_says_so(client: Client, make_task: MakeTask, name: str) -> None:
    task = make_task()
    page = reverse("task-detail", args=[task.pk])
    button = reverse(name, args=[task.pk])
    refused = client.post(button, headers={"Referer": f"http://testserver{page}?a=1"})
    arrived = log_in_and_go_on(client, refused)

    assert arrived.redirect_chain == [(f"{page}?a=1", 302)]
    assert arrived.status_code == 200
    assert NOT_DONE in arrived.content.decode()
    assert NOT_DONE not in client.get(page).content.decode()
    assert Run.objects.count() == 0
    assert Task.objects.get().archived_at is None


@pytest.mark.parametrize(
    "referer", ["", "https://evil.example.com/tasks/1/", "//evil.example.com/", "http://testserver"]
)
def test_unknown_origin_leads_home(client: Client, make_task: MakeTask, referer: str) -> None:
    run = fail(make_task())
    refused = client.post(reverse("run-reexport", args=[run.pk]), headers={"Referer": referer})
    assert log_in_and_go_on(client, refused).redirect_chain == [("/", 302)]


def test_vanished_page_leads_to_its_parent(client: Client, make_task: MakeTask) -> None:
    button = reverse("task-dates", args=[make_task().pk])
    refused = client.post(button, headers={"Referer": f"http://testserver{button}"})
    [(arrived, _status)] = log_in_and_go_on(client, refused).redirect_chain
    assert arrived == button.removesuffix("dates/")


def test_expired_login_can_still_log_out(client: Client) -> None:
    assert client.post("/logout/").headers["Location"] == "/login/"


@pytest.mark.parametrize(
    ("address", "page"),
    [("/runs/42/cancel/", "/runs/42/"), ("/tasks/7/ledger/re-export/", "/tasks/7/ledger/")],
)
def test_button_address_by_hand_leads_to_page(signed_in: Client, address: str, page: str) -> None:
    answer = signed_in.get(address)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address is for a button" in answer.content.decode()
    assert f'href="{page}">Go to the page with the button</a>' in answer.content.decode()
    assert "Go to the page" not in signed_in.get("/logout/").content.decode()


def test_a_usual_login_says_nothing_of_that(client: Client, user: User) -> None:
    assert messages_of(log_in_and_go_on(client, client.get("/runs/"))) == []


STILL_HERE = "Your login had expired. Nothing was saved yet; everything you typed is still here"


@pytest.mark.parametrize("sent_to", ["task-edit", "task-preview"])
def test_typed_task_form_returns_after_login(
    client: Client, make_task: MakeTask, sent_to: str
) -> None:
    task = make_task(can_resume_from_failure=True)
    wrong = Condition("id", "Equal", "not a number", "")
    typed = {"page_size": "many", "can_resume_from_failure": "", "date_modified": "2020-02-02"}
    data = edited(task, wrong, name="Renamed", **typed)
    arrived = log_in_and_go_on(client, client.post(reverse(sent_to, args=[task.pk]), data))

    assert arrived.redirect_chain == [(edit_url(task), 302)]
    form = arrived.context["form"]
    shown = {name: form[name].value() for name in ("name", *typed)}
    assert shown == {"name": "Renamed", **typed, "can_resume_from_failure": False}
    assert form["date_modified_shown"].value() == EARLIEST
    assert form.rows.forms[0].typed() == wrong
    assert f"{STILL_HERE}." in arrived.content.decode()
    task.refresh_from_db()
    assert task.name == "Nightly batches"
    # Once: whoever opens the form later sees the task.
    assert client.get(edit_url(task)).context["form"]["name"].value() == "Nightly batches"


def test_typed_new_task_can_be_saved_afterwards(client: Client, connection: Connection) -> None:
    data = new_task(connection, Condition("id", "Equal", "284", ""))
    arrived = log_in_and_go_on(client, client.post(CREATE, data))
    assert [row.typed() for row in arrived.context["form"].rows.forms] == [
        Condition("id", "Equal", "284", "")
    ]
    client.post(CREATE, data)
    assert Task.objects.get().name == "Nightly batches"


@pytest.mark.parametrize("is_new", [True, False])
def test_typed_connection_form_returns_without_key(client: Client, is_new: bool) -> None:
    page = NEW if is_new else edit_page(saved_connection())
    refused = client.post(page, TYPED | {"company": "globex"})
    assert PRIVATE_KEY not in str(dict(client.session))
    arrived = log_in_and_go_on(client, refused)

    form = arrived.context["form"]
    assert (form["company"].value(), form["name"].value()) == ("globex", "Acme")
    assert form["is_default"].value() is False
    assert not shows_the_key(arrived)
    assert f"{STILL_HERE}, except the private key: type it again." in arrived.content.decode()


def test_session_keeps_no_token_or_oversized_form(client: Client, connection: Connection) -> None:
    data = new_task(connection)
    client.post(CREATE, data | {"csrfmiddlewaretoken": "token"})
    assert "csrfmiddlewaretoken" not in client.session[TYPED_BEFORE]["fields"]

    other = Client()
    arrived = log_in_and_go_on(other, other.post(CREATE, data | {"name": "x" * 100_000}))
    assert NOT_DONE in arrived.content.decode()
    assert TYPED_BEFORE not in other.session


def test_only_forms_of_tasks_and_connections_are_kept(client: Client) -> None:
    client.post("/password/", {"old_password": PASSWORD})
    assert PASSWORD not in str(dict(client.session))
