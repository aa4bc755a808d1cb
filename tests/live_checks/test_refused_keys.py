"""Keys that stopped working are shown on the connection and on Home until they work again."""

import pytest
from django.test import Client
from django.urls import reverse

from exports.demo import answers, faults
from exports.demo.server import StandIn
from exports.live_checks import connection_check
from exports.models import Connection, Task
from tests.conftest import run_now

pytestmark = pytest.mark.django_db(transaction=True)

SAID = "ConnectWise has refused the keys of this connection since"


def pages_that_say_it(client: Client) -> list[str]:
    connection = Connection.objects.get()
    addresses = {
        "home": reverse("home"),
        "list": reverse("connection-list"),
        "page": reverse("connection-edit", args=[connection.pk]),
    }
    shown = {name: client.get(address).content.decode() for name, address in addresses.items()}
    # The list's filter names the state too.
    return [name for name, text in shown.items() if SAID in text or ">Keys refused</span>" in text]


def refusal() -> faults.Status:
    return faults.Status(401, b'{"code":"Unauthorized","message":"no"}', on=answers.ANY)


def test_refused_run_marks_the_connection(
    task: Task, stand_in: StandIn, admin_client: Client
) -> None:
    assert pages_that_say_it(admin_client) == []

    with stand_in.faults.on(refusal()):
        run_now(task)
        since = Connection.objects.get().key_refused_at
        run_now(task)

    assert since is not None
    assert Connection.objects.get().key_refused_at == since
    assert pages_that_say_it(admin_client) == ["home", "list", "page"]


def test_success_takes_the_mark_away(task: Task, stand_in: StandIn, admin_client: Client) -> None:
    Connection.objects.get().mark_key_refused()
    with stand_in.faults.on(faults.Status(403)):
        run_now(task)
    assert pages_that_say_it(admin_client) == ["home", "list", "page"]

    run_now(task)

    assert pages_that_say_it(admin_client) == []


def test_connection_test_sets_and_takes_the_mark(task: Task, stand_in: StandIn) -> None:
    with stand_in.faults.on(refusal()):
        connection_check.test_connection(Connection.objects.get())
    assert Connection.objects.get().key_refused_at is not None

    connection_check.test_connection(Connection.objects.get())
    assert Connection.objects.get().key_refused_at is None


def test_late_key_error_spares_new_keys(task: Task) -> None:
    before = Connection.objects.get()
    changed = Connection.objects.get()
    changed.write_private_key("another")
    changed.save()

    before.mark_key_refused()

    assert Connection.objects.get().key_refused_at is None
