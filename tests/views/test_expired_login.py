"""What becomes of a button pressed, or a form sent, after the login has expired."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.models import Run, Task
from tests.views.conftest import fail
from tests.views.connection_pages import messages_of

MakeTask = Callable[..., Task]
PASSWORD = "correct horse"  # as in the cast of the screens
NOT_DONE = "Your login had expired, so this was not done: press the button again."

pytestmark = pytest.mark.usefixtures("user")


def log_in_and_go_on(client: Client, refused: Any) -> Any:
    """Follow an answer to the login, log in there, and give the page one arrives at."""
    assert refused.status_code == 302
    typed = {"username": "Admin1", "password": PASSWORD}
    return client.post(refused.headers["Location"], typed, follow=True)


@pytest.mark.parametrize("name", ["task-run", "task-archive", "task-dates", "task-ledger-again"])
def test_a_button_pressed_too_late_leads_back_to_its_page_and_says_that_nothing_was_done(
    client: Client, make_task: MakeTask, name: str
) -> None:
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
def test_without_a_page_of_ours_it_leads_to_the_first_one(
    client: Client, make_task: MakeTask, referer: str
) -> None:
    run = fail(make_task())
    refused = client.post(reverse("run-again", args=[run.pk]), headers={"Referer": referer})
    assert log_in_and_go_on(client, refused).redirect_chain == [("/", 302)]


def test_a_page_that_stood_at_the_address_of_a_button_leads_to_the_one_above(
    client: Client, make_task: MakeTask
) -> None:
    button = reverse("task-dates", args=[make_task().pk])
    refused = client.post(button, headers={"Referer": f"http://testserver{button}"})
    [(arrived, _status)] = log_in_and_go_on(client, refused).redirect_chain
    assert arrived == button.removesuffix("dates/")


def test_whoever_has_no_login_any_more_is_logged_out_all_the_same(client: Client) -> None:
    assert client.post("/logout/").headers["Location"] == "/login/"


@pytest.mark.parametrize(
    ("address", "page"),
    [("/runs/42/cancel/", "/runs/42/"), ("/tasks/7/ledger/again/", "/tasks/7/ledger/")],
)
def test_the_address_of_a_button_opened_by_hand_says_so_and_leads_to_its_page(
    signed_in: Client, address: str, page: str
) -> None:
    answer = signed_in.get(address)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address is for a button" in answer.content.decode()
    assert f'href="{page}">Go to the page with the button</a>' in answer.content.decode()
    assert "Go to the page" not in signed_in.get("/logout/").content.decode()


def test_a_usual_login_says_nothing_of_that(client: Client, user: User) -> None:
    assert messages_of(log_in_and_go_on(client, client.get("/runs/"))) == []
