"""What happens to a button or form that is sent after the login has expired."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, LoginSession, Run, Task
from exports.views.expired_login import TYPED as TYPED_BEFORE
from exports.views.expired_login import TYPED_BY
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
PASSWORD = "correct horse"  # as in screen_fixtures
NOT_DONE = "Your login had expired, so this was not done. Log in, then press the button again."

pytestmark = pytest.mark.usefixtures("user")


def log_in_and_go_on(client: Client, refused: Any) -> Any:
    """Follow an answer to the login, log in there, and return the next page."""
    assert refused.status_code == 302
    typed = {"username": "Admin1", "password": PASSWORD}
    return client.post(refused.headers["Location"], typed, follow=True)


@pytest.mark.parametrize("name", ["task-run", "task-archive", "task-dates", "task-ledger-reexport"])
def test_late_button_returns_to_its_page(client: Client, make_task: MakeTask, name: str) -> None:
    task = make_task()
    page = reverse("task-detail", args=[task.pk])
    button = reverse(name, args=[task.pk])
    refused = client.post(button, headers={"Referer": f"http://testserver{page}?a=1"})
    assert NOT_DONE in client.get(refused.headers["Location"]).content.decode()
    arrived = log_in_and_go_on(client, refused)

    assert arrived.redirect_chain == [(f"{page}?a=1", 302)]
    assert arrived.status_code == 200
    assert NOT_DONE not in arrived.content.decode()
    assert Run.objects.count() == 0
    assert Task.objects.get().archived_at is None


@pytest.mark.parametrize(
    "referer", ["", "https://evil.example.com/tasks/1/", "//evil.example.com/", "http://testserver"]
)
def test_foreign_referer_leads_home(client: Client, make_task: MakeTask, referer: str) -> None:
    run = fail(make_task())
    refused = client.post(reverse("run-reexport", args=[run.pk]), headers={"Referer": referer})
    assert log_in_and_go_on(client, refused).redirect_chain == [("/", 302)]


def test_button_address_leads_to_page_above(client: Client, make_task: MakeTask) -> None:
    button = reverse("task-dates", args=[make_task().pk])
    refused = client.post(button, headers={"Referer": f"http://testserver{button}"})
    [(arrived, _status)] = log_in_and_go_on(client, refused).redirect_chain
    assert arrived == button.removesuffix("dates/")


def test_expired_login_can_log_out(client: Client) -> None:
    assert client.post("/logout/").headers["Location"] == "/login/"


@pytest.mark.parametrize(
    ("address", "page"),
    [("/runs/42/cancel/", "/runs/42/"), ("/tasks/7/ledger/re-export/", "/tasks/7/ledger/")],
)
def test_button_address_opened_by_hand(signed_in: Client, address: str, page: str) -> None:
    answer = signed_in.get(address)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address cannot be opened directly" in answer.content.decode()
    assert f'href="{page}">Go to the page with the button</a>' in answer.content.decode()
    assert "Go to the page" not in signed_in.get("/logout/").content.decode()


def test_usual_login_shows_no_message(client: Client, user: User) -> None:
    assert messages_of(log_in_and_go_on(client, client.get("/runs/"))) == []


STILL_HERE = "Your login had expired. Nothing was saved yet; everything you typed is still here."
TYPE_AGAIN = "are not kept across a login: check them and type them again."


@pytest.fixture
def opened(user: User) -> Callable[[str], dict[str, str]]:
    """The form field which says that `user` opened the form."""

    def open_form(page: str) -> dict[str, str]:
        browser = Client()
        browser.force_login(user)
        return {TYPED_BY: browser.get(page).context["typed_by"]}

    return open_form


@pytest.fixture
def stranger(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("Stranger", password=PASSWORD, is_superuser=True)


Opened = Callable[[str], dict[str, str]]


@pytest.mark.parametrize("sent_to", ["task-edit", "task-preview"])
def test_typed_task_returns_after_login(
    client: Client, make_task: MakeTask, opened: Opened, sent_to: str
) -> None:
    task = make_task(can_resume_from_failure=True)
    wrong = Condition("id", "Equal", "not a number", "")
    typed = {"page_size": "many", "can_resume_from_failure": "", "date_modified": "2020-02-02"}
    data = edited(task, wrong, name="Renamed", **typed) | opened(edit_url(task))
    refused = client.post(reverse(sent_to, args=[task.pk]), data)
    arrived = log_in_and_go_on(client, refused)

    assert arrived.redirect_chain == [(edit_url(task), 302)]
    form = arrived.context["form"]
    shown = {name: form[name].value() for name in ("name", *typed)}
    assert shown == {"name": "Renamed", **typed, "can_resume_from_failure": False}
    assert form["date_modified_shown"].value() == EARLIEST
    assert form.rows.forms[0].typed() == wrong
    assert STILL_HERE in arrived.content.decode()
    task.refresh_from_db()
    assert task.name == "Nightly batches"
    # Only once: when the form is opened later, it shows the task.
    assert client.get(edit_url(task)).context["form"]["name"].value() == "Nightly batches"


def test_new_task_returns_after_login(
    client: Client, connection: Connection, opened: Opened
) -> None:
    rows = (Condition("id", "Equal", "284", ""),)
    data = new_task(connection, *rows) | opened(CREATE)
    arrived = log_in_and_go_on(client, client.post(CREATE, data))
    assert tuple(row.typed() for row in arrived.context["form"].rows.forms) == rows
    client.post(CREATE, data)
    assert Task.objects.get().name == "Nightly batches"


@pytest.mark.parametrize("is_new", [True, False])
def test_site_and_keys_never_cross_a_login(client: Client, opened: Opened, is_new: bool) -> None:
    page = NEW if is_new else edit_page(saved_connection())
    typed = TYPED | {"name": "Globex", "site": "evil.example.com", "company": "globex"}
    typed |= {"public_key": "Evil", "client_id": "evil"}
    refused = client.post(page, typed | opened(page))
    assert not any(word in str(dict(client.session)).lower() for word in (PRIVATE_KEY, "evil"))
    arrived = log_in_and_go_on(client, refused)

    form = arrived.context["form"]
    assert form["name"].value() == "Globex"
    assert form["is_default"].value() is False
    stored = (None, None) if is_new else ("https://na.myconnectwise.net", "acme")
    assert (form["site"].value(), form["company"].value()) == stored
    assert "evil" not in arrived.content.decode().lower()
    assert not shows_the_key(arrived)
    assert TYPE_AGAIN in arrived.content.decode()


@pytest.mark.parametrize("page", [NEW, CREATE])
@pytest.mark.parametrize("sign", [{}, {TYPED_BY: ""}, {TYPED_BY: "forged:1:abc"}])
def test_anonymous_form_keeps_nothing(
    client: Client, connection: Connection, page: str, sign: dict[str, str]
) -> None:
    data = (TYPED if page == NEW else new_task(connection)) | {"name": "Planted"} | sign
    refused = client.post(page, data)
    assert LoginSession.objects.count() == 0
    assert not refused.cookies
    arrived = log_in_and_go_on(client, refused)
    assert "Planted" not in arrived.content.decode()


def test_anonymous_posts_make_no_session(client: Client, make_task: MakeTask) -> None:
    task = make_task()
    for name in ("task-run", "task-edit", "task-ledger-reexport", "task-description"):
        client.post(reverse(name, args=[task.pk]), {"typed_by": "x", "name": "x"})
    client.post("/login/", {"username": "nobody", "password": "wrong"})
    assert LoginSession.objects.count() == 0


def test_typed_text_returns_to_its_typist_only(
    client: Client, make_task: MakeTask, opened: Opened, stranger: User
) -> None:
    task = make_task()
    client.post(edit_url(task), edited(task, name="Typed by Admin1") | opened(edit_url(task)))
    login = {"username": stranger.username, "password": PASSWORD}
    arrived = client.post(f"/login/?next={edit_url(task)}", login, follow=True)
    assert arrived.context["form"]["name"].value() == task.name
    assert TYPED_BEFORE not in client.session
    assert client.session.get_expire_at_browser_close() is False


def test_another_login_cannot_send_the_form(
    client: Client, make_task: MakeTask, opened: Opened, stranger: User
) -> None:
    task = make_task()
    data = edited(task, name="Typed by Admin1") | opened(edit_url(task))
    client.force_login(stranger)
    answer = client.post(edit_url(task), data, follow=True)
    assert answer.redirect_chain == [(edit_url(task), 302)]
    assert "somebody else was logged in" in answer.content.decode()
    task.refresh_from_db()
    assert (task.name, answer.context["form"]["name"].value()) == ("Nightly batches",) * 2


def test_messages_end_with_the_login(client: Client, user: User, make_task: MakeTask) -> None:
    client.force_login(user)
    client.post(reverse("task-archive", args=[make_task(name="Salaries").pk]))
    client.post("/logout/")
    assert "Salaries" not in client.get("/login/").content.decode()


def test_form_of_any_size_is_bounded(
    client: Client, connection: Connection, opened: Opened
) -> None:
    data = new_task(connection) | opened(CREATE) | {"name": "x" * 100_000}
    refused = client.post(CREATE, data)
    assert "not_done" in refused.headers["Location"]
    assert TYPED_BEFORE not in client.session


def test_password_form_is_never_kept(client: Client, opened: Opened) -> None:
    client.post("/password/", {"old_password": PASSWORD} | opened(NEW))
    assert TYPED_BEFORE not in client.session
