"""The pages of connections: address, test, list, deleting, access (rules C2, C4, C7)."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import Client

from exports.demo.server import StandIn
from exports.models import Connection, Run
from tests.conftest import MakeTask, make_connection
from tests.views.connection_pages import (
    TYPED,
    edit_page,
    messages_of,
    saved_connection,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return saved_connection()


# --- The address


@pytest.mark.rule("C2")
def test_address_to_call_shows_while_typing(signed_in: Client) -> None:
    answer = signed_in.get("/connections/address/", {"site": "na.myconnectwise.net"})

    assert "<code>https://api-na.myconnectwise.net/v4_6_release/apis/3.0</code>" in (
        answer.content.decode()
    )


@pytest.mark.parametrize(
    ("site", "sentence"),
    [
        ("", ""),
        ("169.254.169.254", "is never called"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;"),
        ("na.myconnectwise.net?x", "A site holds no ?"),
        ("http://na.myconnectwise.net", "type https://na.myconnectwise.net"),
    ],
)
def test_forbidden_site_explains_while_typing(signed_in: Client, site: str, sentence: str) -> None:
    answer = signed_in.get("/connections/address/", {"site": site}).content.decode()

    assert sentence in answer
    assert "<script>" not in answer
    assert "Will call" not in answer


def test_address_shows_without_script(signed_in: Client, acme: Connection) -> None:
    assert "https://api-na.myconnectwise.net/v4_6_release/apis/3.0" in (
        signed_in.get(edit_page(acme)).content.decode()
    )


# --- Testing


def test_save_and_test_shows_the_steps(signed_in: Client, stand_in: StandIn) -> None:
    connection = make_connection(stand_in)
    typed = {name: getattr(connection, name) for name in TYPED if name != "private_key"}

    response = signed_in.post(edit_page(connection), {**typed, "test": "yes"}, follow=True)

    page = response.content.decode()
    assert response.redirect_chain == [(edit_page(connection), 302)]
    assert "Stand-in was tested: it works, with a warning." in page
    assert "120 batches can be read." in page


def test_test_button_tests_and_returns(signed_in: Client, stand_in: StandIn) -> None:
    connection = make_connection(stand_in, company="nobody")

    response = signed_in.post(f"{edit_page(connection)}test/")

    assert response.headers["Location"] == edit_page(connection)
    assert messages_of(response) == ["Stand-in was tested: a step failed, see below."]
    assert [step["outcome"] for step in stored(connection).last_test_steps] == (
        ["passed", "failed"] + ["skipped"] * 4
    )


def test_followed_test_shows_each_step(signed_in: Client, stand_in: StandIn) -> None:
    connection = make_connection(stand_in, company="nobody")

    response = signed_in.post(f"{edit_page(connection)}test/live/")

    assert isinstance(response, StreamingHttpResponse)
    *states, rest = b"".join(response).decode().split("\f")
    assert rest == ""
    assert [re.findall(r'class="status status-(\w+)"', state)[1:] for state in states] == [
        ["running"] + ["waiting"] * 5,
        ["passed", "running"] + ["waiting"] * 4,
        ["passed", "failed"] + ["skipped"] * 4,
    ]
    assert 'data-announcement="Testing: Company known"' in states[1]
    assert 'data-announcement="Stand-in was tested: a step failed, see below."' in states[2]
    assert "status-failed" in signed_in.get(edit_page(connection)).content.decode()


def test_saving_with_script_tests_once(signed_in: Client, stand_in: StandIn) -> None:
    connection = make_connection(stand_in)
    typed = {name: getattr(connection, name) for name in TYPED if name != "private_key"}

    first = signed_in.post(edit_page(connection), {**typed, "test": "live"}, follow=True)
    second = signed_in.get(edit_page(connection))

    assert stored(connection).last_tested_at is None
    assert "data-test-now" in first.content.decode()
    assert "data-test-now" not in second.content.decode()


def test_remote_words_are_shown_escaped(signed_in: Client, acme: Connection) -> None:
    sentence = "ConnectWise answered 400 (“<b>no</b>”)."
    acme.record_test([{"name": "Batches readable", "outcome": "failed", "sentence": sentence}])

    page = signed_in.get(edit_page(acme)).content.decode()

    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "<b>no</b>" not in page


# --- The list and deleting


def test_the_list_shows_default_last_test_and_use(
    signed_in: Client, connection: Connection, make_task: MakeTask
) -> None:
    make_task()
    make_task(name="Old", output_file="old.xml").archive()
    connection.record_test([{"name": "x", "outcome": "warning", "sentence": "y"}])

    page = signed_in.get("/connections/").content.decode()

    assert "Default</span>" in page
    assert "status-warning" in page
    assert "Nightly batches</a>" in page
    assert "Old</a>" not in page


def test_list_queries_do_not_grow(signed_in: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        saved_connection(name=f"Connection {number}")

    with django_assert_max_num_queries(5):
        signed_in.get("/connections/")


def test_without_connections_the_list_teaches_what_is_needed(signed_in: Client) -> None:
    page = signed_in.get("/connections/").content.decode()

    assert "No connection yet" in page
    assert "Create the first connection" in page


def test_an_unused_connection_is_deleted_after_a_question(
    signed_in: Client, acme: Connection
) -> None:
    assert "Delete Acme?" in signed_in.get(f"{edit_page(acme)}delete/").content.decode()
    assert Connection.objects.exists()

    response = signed_in.post(f"{edit_page(acme)}delete/")

    assert response.headers["Location"] == "/connections/"
    assert messages_of(response) == ["Connection Acme was deleted."]
    assert not Connection.objects.exists()


@pytest.mark.rule("C7")
def test_connection_in_use_names_its_users(
    signed_in: Client, connection: Connection, make_task: MakeTask
) -> None:
    make_task()

    response = signed_in.post(f"{edit_page(connection)}delete/")

    page = response.content.decode()
    assert response.status_code == 409
    assert "Acme cannot be deleted while a task uses it." in page
    assert "Choose another connection on each of these tasks, then it can be deleted:" in page
    assert "Nightly batches</a>" in page
    assert Connection.objects.exists()


def test_following_the_advice_frees_the_connection(
    signed_in: Client, connection: Connection, make_task: MakeTask
) -> None:
    task = make_task()
    task.connection = saved_connection(name="Second")
    task.save()

    response = signed_in.post(f"{edit_page(connection)}delete/")

    assert messages_of(response) == ["Connection Acme was deleted."]


def test_connection_with_past_runs_stays(
    signed_in: Client, connection: Connection, make_task: MakeTask
) -> None:
    task = make_task()
    task.queue_run(Run.Trigger.MANUAL)
    make_task(name="Old", output_file="old.xml").archive()

    response = signed_in.post(f"{edit_page(connection)}delete/")

    page = response.content.decode()
    assert response.status_code == 409
    assert "Acme cannot be deleted: the history refers to it" in page
    assert "1 run in the history came from it." in page
    assert "Keep it: ConnectWise is only called through it by tasks that use it." in page
    assert "each of them can use another connection instead:" in page
    assert "Nightly batches</a>" in page
    assert "then it can be deleted" not in page
    assert "Old</a>" not in page


def test_connection_of_archived_task_stays(
    signed_in: Client, connection: Connection, make_task: MakeTask
) -> None:
    make_task(name="Old", output_file="old.xml").archive()

    page = signed_in.get(f"{edit_page(connection)}delete/").content.decode()

    assert "An archived task refers to it." in page
    assert "Old</a>" not in page
    assert "Delete Acme</button>" not in page


# --- Access and methods


@pytest.mark.parametrize("page", ["", "new/", "address/", "1/", "1/test/", "1/delete/"])
def test_every_page_asks_for_a_login(client: Client, acme: Connection, page: str) -> None:
    for answer in (client.get(f"/connections/{page}"), client.post(f"/connections/{page}")):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/?next=")


@pytest.mark.parametrize(
    ("method", "page"),
    [("get", "1/test/"), ("post", ""), ("post", "address/"), ("put", "new/"), ("delete", "1/")],
)
def test_a_wrong_method_is_refused(
    signed_in: Client, acme: Connection, method: str, page: str
) -> None:
    assert getattr(signed_in, method)(f"/connections/{page}").status_code == 405


@pytest.mark.parametrize("page", ["new/", "1/", "1/test/", "1/delete/"])
def test_a_form_from_elsewhere_is_refused(acme: Connection, page: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_user("Admin1", is_superuser=True))

    response = browser.post(f"/connections/{page}", TYPED)

    assert response.status_code == 403
    assert "The form was too old" in response.content.decode()
    assert Connection.objects.count() == 1


def test_unknown_connection_is_not_found(signed_in: Client) -> None:
    response = signed_in.get("/connections/999/")

    assert response.status_code == 404
    assert "This page does not exist" in response.content.decode()
