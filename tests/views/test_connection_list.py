"""The list of connections: searched, filtered, sorted and paged by its address."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from exports.models import Connection, Run
from tests.conftest import save_task
from tests.views.connection_pages import saved_connection

pytestmark = pytest.mark.django_db
LIST = reverse("connection-list")


@pytest.fixture
def four() -> dict[str, Connection]:
    """One of each state; the last three were tested in this order."""
    made = {
        name: saved_connection(name=name, company=company)
        for name, company in (
            ("Acme", "acme"),
            ("Bolt", "bolt-gmbh"),
            ("Corner", "corner"),
            ("Dune", "acme"),
        )
    }
    made["Bolt"].record_test([{"name": "Keys", "outcome": "failed", "sentence": "x"}])
    steps = [{"name": "x", "outcome": "passed", "sentence": 'said "outcome": "failed"'}]
    made["Corner"].record_test([*steps, {"name": "y", "outcome": "warning", "sentence": "z"}])
    made["Dune"].record_test(steps)
    Connection.objects.filter(name="Dune").update(key_refused_at=timezone.now())
    save_task(made["Acme"])
    save_task(made["Bolt"], name="Old", output_file="old.xml").archive()
    return made


def listed(client: Client, **query: object) -> list[str]:
    response: Any = client.get(LIST, query)
    return [connection.name for connection in response.context["connections"]]


@pytest.mark.rule("M3")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Acme", "Bolt", "Corner", "Dune"]),
        ({"name": "gmbh"}, ["Bolt"]),
        ({"name": "acme dune"}, ["Dune"]),
        ({"name": "myconnectwise"}, ["Acme", "Bolt", "Corner", "Dune"]),
        ({"name": "nothing"}, []),
        ({"state": "failed"}, ["Bolt"]),
        ({"state": "warning"}, ["Corner"]),
        ({"state": "untested"}, ["Acme"]),
        ({"state": "refused"}, ["Dune"]),
        ({"state": "unused"}, ["Bolt", "Corner", "Dune"]),
        ({"sort": "tested"}, ["Dune", "Corner", "Bolt", "Acme"]),
        ({"sort": "untested"}, ["Acme", "Bolt", "Corner", "Dune"]),
    ],
)
def test_connections_are_found_by_the_address(
    signed_in: Client, four: dict[str, Connection], query: dict[str, str], found: list[str]
) -> None:
    assert listed(signed_in, **query) == found


def test_unknown_filter_is_told(signed_in: Client, four: dict[str, Connection]) -> None:
    page = signed_in.get(LIST, {"state": "burnt"}).content.decode()
    assert "This cannot be filtered by: choose one of the list." in page
    assert "Acme</a>" in page


def test_none_found_offers_way_back(signed_in: Client, four: dict[str, Connection]) -> None:
    page = signed_in.get(LIST, {"name": "nothing", "sort": "tested"}).content.decode()
    assert "No connection matches" in page
    assert f'class="chip" href="{LIST}?sort=tested"' in page
    assert "New connection</a>" in page


def test_pages_keep_filter_and_address(signed_in: Client) -> None:
    for number in range(20):
        saved_connection(name=f"Company {number:02}")
    first = signed_in.get(LIST, {"name": "company"}).content.decode()
    assert 'href="?name=company&amp;page=2"' in first
    assert "20 connections" in unescape(first)
    assert listed(signed_in, page="2")[-1] == "Company 19"
    assert listed(signed_in, page="99") == listed(signed_in, page="2")
    filtered = signed_in.get(
        LIST,
        {"name": "x", "state": "", "sort": ""},
        HTTP_HX_REQUEST="true",
        HTTP_HX_TRIGGER="filters",
    )
    assert filtered["HX-Push-Url"] == f"{LIST}?name=x"


def test_row_names_three_tasks_and_all(signed_in: Client) -> None:
    connection = saved_connection()
    for number in range(4):
        save_task(connection, name=f"<Task> {number}", output_file=f"{number}.xml")
    page = signed_in.get(LIST).content.decode()
    assert re.findall(r">(&lt;Task&gt; \d)</a>", page) == [f"&lt;Task&gt; {n}" for n in range(3)]
    assert f'href="/tasks/?connection={connection.pk}">all 4</a>' in page


def test_names_of_tasks_stay_together_on_a_phone(signed_in: Client) -> None:
    """Text that stands alone in a cell would get a column of its own there."""
    connection = saved_connection()
    for name in "AB":
        save_task(connection, name=name, output_file=f"{name}.xml")
    page = signed_in.get(LIST).content.decode()

    [cell] = re.findall(r'data-label="Used by">(.*?)</td>', page, re.DOTALL)
    assert re.fullmatch(r"\s*<span>.*>A</a>, <a.*>B</a></span>\s*", cell, re.DOTALL)


def test_every_row_tests_its_connection(signed_in: Client, four: dict[str, Connection]) -> None:
    page = signed_in.get(LIST).content.decode()
    addresses = [reverse("connection-test", args=[each.pk]) for each in four.values()]
    assert re.findall(r'form="test-one" formaction="([^"]*)"', page) == addresses
    assert page.count('id="test-one"') == 1


def test_queries_do_not_grow_with_rows(
    signed_in: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        task = save_task(
            saved_connection(name=f"Company {number}"),
            name=f"{number}",
            output_file=f"{number}.xml",
        )
        task.queue_run(Run.Trigger.MANUAL)
    with django_assert_max_num_queries(6):
        signed_in.get(LIST, {"name": "company", "state": "untested"})
