"""Page and panel of a preview: of a saved task, a typed one, a refused form, and the way back."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from lxml.html import document_fromstring

from exports.connectwise.filter.conditions import Condition
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models import Connection, Run, Task
from tests.conftest import MakeTask, make_connection, save_task
from tests.views.form_data import edited, errors, new_task
from tests.views.preview_pages import (
    OUR_PAGE,
    THE_SAMPLE,
    connection,
    no_waits,
    shown_by,
    text_of,
    url_of,
)

__all__ = ["connection", "no_waits"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_waits")]

UNSAVED = "/tasks/preview/"
HTMX = {"headers": {"HX-Request": "true"}}
INVOICES = Condition("exportInvoicesFlag", "Equal", "True", "Or")


def hidden_fields(response: Any) -> list[tuple[str, str]]:
    form = document_fromstring(response.content).xpath("//main//form[@method='post']")[0]
    return [
        (field.get("name"), field.get("value"))
        for field in form.xpath(".//input[@type='hidden']")
        if field.get("name") != "csrfmiddlewaretoken"
    ]


def test_saved_task_shows_count_table_and_xml(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task(export="modified")
    task.replace_conditions([INVOICES, THE_SAMPLE])

    response = signed_in.get(url_of(task), headers=OUR_PAGE)

    wanted = [
        record["id"]
        for record in stand_in.store.records
        if record.get("exportInvoicesFlag") is True or record["id"] == 284
    ]
    page = text_of(response)
    assert f"{len(wanted)} batches match" in page
    assert (
        "A run would fetch batches where exportInvoicesFlag is True or id is 284. Of these, only "
        "what was updated after 1970-01-01 00:00:00 UTC." in page
    )
    assert "The date was typed: it is taken literally and nothing is skipped." in page
    assert (
        "(exportInvoicesFlag = True or id = 284) and lastUpdated > [1970-01-01T00:00:00Z] and id "
        "> 0" in page
    )
    assert (
        f"GET{stand_in.url}/v4_6_release/apis/3.0/finance/accounting/batches?conditions="
        "%28exportInvoicesFlag%20%3D%20True%20or%20id%20%3D%20284%29%20and%20lastUpdated%20%3E%20"
        "%5B1970-01-01T00%3A00%3A00Z%5D%20and%20id%20%3E%200"
        "&orderBy=id%20asc&page=1&pageSize=25" in page
    )
    document = document_fromstring(response.content)
    assert document.xpath("//table//th/text()") == [
        "id",
        "_info/lastUpdated",
        "_info/updatedBy",
        "batchIdentifier",
        "exportInvoicesFlag",
        "exportExpensesFlag",
        "exportProductsFlag",
    ]
    assert [int(row[0].text) for row in document.xpath("//table/tbody/tr")] == wanted[:10]
    written = document.xpath("//pre[contains(@class, 'xml')]")[0].text_content()
    assert written == response.context["first"].xml
    assert written.count("<Batch>") == 10


@pytest.mark.parametrize("is_extra", [True, False])
def test_preview_shows_extra_fields_when_exported(
    signed_in: Client, make_task: MakeTask, is_extra: bool
) -> None:
    response = signed_in.get(url_of(make_task(include_extra_fields=is_extra)), headers=OUR_PAGE)

    page = document_fromstring(response.content)
    assert ("closedFlag" in page.xpath("//table//th/text()")) is is_extra
    assert ("<closedFlag>" in page.xpath("//pre")[0].text_content()) is is_extra


def test_flag_without_value_is_a_dash(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    stand_in.store.put({"id": 1, "batchIdentifier": "1", "exportInvoicesFlag": None})

    page = document_fromstring(signed_in.get(url_of(make_task()), headers=OUR_PAGE).content)

    [cell] = page.xpath("//table/tbody/tr[td[1] = '1']/td[5]")
    assert cell.xpath("span[@aria-hidden='true'][@title='No value']/text()") == ["–"]
    assert cell.xpath("span[@class='visually-hidden']/text()") == ["No value"]


def test_what_connectwise_sends_cannot_become_markup(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    attack = "</code></pre><script>alert(1)</script><img src=x onerror=alert(1)>"
    stand_in.store.put({"id": 1, "batchIdentifier": attack, attack: attack})

    response = signed_in.get(url_of(make_task(include_extra_fields=True)), headers=OUR_PAGE)

    page = response.content.decode()
    document = document_fromstring(page)
    assert "<script>alert" not in page
    assert document.xpath("//main//script | //main//img") == []
    assert attack in document.xpath("//table")[0].text_content()
    assert html.escape(html.escape(attack, quote=False)) in page


def test_unsaved_form_preview_carries_everything_typed(
    signed_in: Client, connection: Connection
) -> None:
    typed = new_task(connection, INVOICES, THE_SAMPLE, export="all", name='A "new" <task>')

    response = signed_in.post(UNSAVED, typed)

    page = text_of(response)
    assert 'Preview of A "new" <task>' in page
    assert "As it stands in the form: nothing has been saved yet." in page
    assert "batches match" in page
    assert sorted(hidden_fields(response)) == sorted(typed.items())
    assert (Task.objects.count(), Run.objects.count()) == (0, 0)


def test_back_to_form_saves_nothing(signed_in: Client, connection: Connection) -> None:
    typed = new_task(connection, INVOICES, THE_SAMPLE, name="Typed", enabled="")
    shown = signed_in.post(UNSAVED, typed)
    form = document_fromstring(shown.content).xpath("//main//form[@method='post']")[0]
    back = form.xpath(".//button[normalize-space()='Back to the form']")[0]

    response = signed_in.post(
        form.get("action"), {**dict(hidden_fields(shown)), back.get("name"): back.get("value")}
    )

    assert form.get("action") == "/tasks/new/"
    form_page = response.context["form"]
    assert {name: form_page[name].value() for name in ("name", "enabled", "output_file")} == {
        "name": "Typed",
        "enabled": False,
        "output_file": "batches-{run}.xml",
    }
    assert form_page.rows.conditions() == (INVOICES, THE_SAMPLE)
    assert errors(response) == {}
    assert Task.objects.count() == 0


def test_save_on_the_preview_saves_what_was_typed(
    signed_in: Client, connection: Connection
) -> None:
    shown = signed_in.post(UNSAVED, new_task(connection, INVOICES, THE_SAMPLE, name="Typed"))

    signed_in.post("/tasks/new/", dict(hidden_fields(shown)))

    assert Task.objects.get().saved_conditions() == (INVOICES, THE_SAMPLE)


def test_previewing_changes_leaves_the_task_alone(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="all")
    before = Task.objects.filter(pk=task.pk).values().get()
    typed = edited(
        task, THE_SAMPLE, name="Renamed", export="modified", date_modified="2019-10-01T00:00:00Z"
    )

    response = signed_in.post(url_of(task), typed)

    assert "(id = 284) and lastUpdated > [2019-10-01T00:00:00Z] and id > 0" in text_of(response)
    assert "1 batch matches" in text_of(response)
    assert response.context["action"] == f"/tasks/{task.pk}/edit/"
    assert Task.objects.filter(pk=task.pk).values().get() == before
    assert task.date_changes.count() == 2
    assert not task.conditions.exists()


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"page_size": "many"}, "page_size"),
        ({"date_modified": "yesterday"}, "date_modified"),
        ({"conditions-0-value": "nobody"}, "conditions-0-value"),
    ],
)
@pytest.mark.parametrize("options", [{}, HTMX], ids=["as a page", "in place"])
def test_field_errors_prevent_any_request(
    signed_in: Client,
    connection: Connection,
    stand_in: StandIn,
    typed: dict[str, str],
    wrong: str,
    options: dict[str, Any],
) -> None:
    row = Condition("batchIdentifier", "Equal", '"a"')
    filled = new_task(connection, row, name="Typed") | typed

    response = signed_in.post(UNSAVED, filled, **options)
    on_save = signed_in.post("/tasks/new/", filled)

    assert list(errors(response)) == [wrong]
    assert errors(response) == errors(on_save)
    assert list(stand_in.requests) == []
    assert "There is no preview yet: see the marked field." in text_of(response)
    assert "Nothing was saved" not in text_of(response)
    form = document_fromstring(response.content).xpath("//form[contains(@class, 'task-form')]")[0]
    assert form.get("action") == "/tasks/new/"
    in_place = {"HX-Retarget": "#content", "HX-Reselect": "#content", "HX-Reswap": "outerHTML"}
    sent = {name: response.headers.get(name) for name in in_place}
    assert sent == (in_place if options else dict.fromkeys(in_place))


@pytest.mark.parametrize("options", [{}, HTMX], ids=["as a page", "in place"])
@pytest.mark.parametrize("name", ["", "Nightly batches", "x" * 101])
@pytest.mark.parametrize("file", ["", "../evil.xml", "batches.xml"])
def test_preview_needs_no_name_or_file(
    signed_in: Client, make_task: MakeTask, name: str, file: str, options: dict[str, Any]
) -> None:
    connection = make_task().connection
    typed = new_task(connection, name=name, output_file=file, export="all")
    response = signed_in.post(UNSAVED, typed, **options)

    assert "120 batches match" in text_of(response)
    assert "Preview of <" not in shown_by(response).decode()
    assert Task.objects.count() == 1


def test_taken_name_hides_no_other_error(signed_in: Client, make_task: MakeTask) -> None:
    typed = new_task(make_task().connection, page_size="many", date_modified="soon")
    response = signed_in.post(UNSAVED, typed)

    assert list(errors(response)) == ["date_modified", "page_size"]
    assert "There is no preview yet: 2 entries need a look." in text_of(response)


def test_row_buttons_work_on_refused_preview(signed_in: Client, connection: Connection) -> None:
    typed = new_task(connection, INVOICES) | {"row_action": "add"}

    response = signed_in.post(UNSAVED, typed)

    assert len(response.context["form"].rows.forms) == 2
    assert errors(response) == {}


def test_htmx_preview_focuses_its_heading(signed_in: Client, connection: Connection) -> None:
    response = signed_in.post(UNSAVED, new_task(connection, export="all"), **HTMX)

    fragment = shown_by(response).decode()
    heading = document_fromstring(fragment).xpath("//h2[@autofocus and @tabindex='-1']")[0]
    assert heading.text_content().split() == ["Preview", "120", "batches", "match"]
    assert "Close preview" in fragment
    assert re.findall("<html|<form|<input", fragment) == []


def test_copy_leads_back_to_its_page(signed_in: Client, make_task: MakeTask) -> None:
    source = make_task()
    typed = new_task(source.connection, name="Copy", output_file="copy.xml")

    for number, action in (
        (str(source.pk), f"/tasks/{source.pk}/clone/"),
        ("99", "/tasks/new/"),
        ("x", "/tasks/new/"),
        ("9" * 30, "/tasks/new/"),
    ):
        response = signed_in.post(f"{UNSAVED}?copy_of={number}", typed)
        assert response.context["action"] == action


def test_preview_address_by_hand_leads_to_form(
    signed_in: Client,
) -> None:
    assert signed_in.get(UNSAVED).headers["Location"] == "/tasks/new/"


def test_preview_needs_login_and_is_uncached(
    client: Client, signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task()

    assert client.get(url_of(task)).headers["Location"].startswith("/login/")
    assert client.post(UNSAVED, new_task(task.connection)).status_code == 302
    assert list(stand_in.requests) == []
    assert "no-store" in signed_in.get(url_of(task), headers=OUR_PAGE).headers["Cache-Control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "referer": "http://testserver/"},
        {"referer": "http://evil.example/http://testserver/"},
        {"referer": "http://["},
        {},
    ],
)
def test_link_elsewhere_calls_nobody(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn, headers: dict[str, str]
) -> None:
    response = signed_in.get(url_of(make_task()), headers=headers)

    assert "Preview now" in text_of(response)
    assert list(stand_in.requests) == []


@pytest.mark.parametrize(
    "headers", [OUR_PAGE, {"referer": "http://testserver/tasks/1/"}, {**OUR_PAGE, "referer": "x"}]
)
def test_link_of_our_own_previews(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn, headers: dict[str, str]
) -> None:
    response = signed_in.get(url_of(make_task()), headers=headers)

    assert "As XML" in text_of(response)
    assert list(stand_in.requests) != []


def test_page_that_follows_asks_nothing_itself(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    address = url_of(make_task())
    page = signed_in.get(f"{address}?follow=1", headers=OUR_PAGE)

    assert list(stand_in.requests) == []
    asking = document_fromstring(page.content).xpath("//*[@data-asks-connectwise][@hx-get]")
    assert [one.get("hx-get") for one in asking] == [address]
    assert "Ask again" in text_of(page)


def test_answer_in_place_tells_steps_first(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    address = url_of(make_task())
    response = signed_in.get(address, headers={**OUR_PAGE, "HX-Request": "true"})
    told = response.getvalue().decode().split("\f")
    states = [" ".join(document_fromstring(one).text_content().split()) for one in told[:-1]]

    assert states[0] == "Reach ConnectWise and log in…"
    assert states[-1].endswith(
        "Count all batches: 120 batches. Count those that the next run fetches: 120 batches. "
        "Read the first page…"
    )
    assert "120 batches match" in told[-1]
    # No more is asked than without the steps.
    asked = len(stand_in.requests)
    signed_in.get(address, headers=OUR_PAGE)
    assert len(stand_in.requests) == 2 * asked


def test_huge_batches_make_no_huge_page(db: None, signed_in: Client) -> None:
    record = {"id": 1, "batchIdentifier": "x" * 900_000, "\ud800": "\ud800" * 1000}
    record |= {f"field{number}": "y" for number in range(2000)}
    with StandIn(Store([record])) as stand_in:
        task = save_task(make_connection(stand_in), include_extra_fields=True)
        response = signed_in.get(url_of(task), headers=OUR_PAGE)

    assert "Only the beginning is shown" in text_of(response)
    assert len(response.content) < 1_000_000
