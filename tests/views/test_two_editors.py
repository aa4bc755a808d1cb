"""Two people edit the same row: no change of either is silently lost or undone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Task
from tests.views.connection_pages import (
    TYPED,
    UNCHANGED,
    edit_page,
    errors_of,
    messages_of,
    saved_connection,
    shows_the_key,
    stored,
)
from tests.views.form_data import edit_url, edited, errors

MakeTask = Callable[..., Task]
OPENED = "opened_with"
ONE, TWO = Condition("id", "Equal", "1", ""), Condition("id", "Equal", "2", "")


@pytest.fixture
def colleague(django_user_model: type[User]) -> Client:
    browser = Client()
    browser.force_login(django_user_model.objects.create_user("Colleague", is_superuser=True))
    return browser


def opened(client: Client, page: str) -> dict[str, Any]:
    """The signed values that a form was opened with, from its page."""
    return {OPENED: client.get(page).context["form"][OPENED].value()}


def again(response: Any) -> dict[str, Any]:
    """The signed values in the form that came back."""
    return {OPENED: response.context["form"][OPENED].value()}


def test_other_fields_of_a_task_are_kept(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, ONE, name="Renamed") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, page_size="500", enabled="", break_on_failure=""))
    answer = signed_in.post(edit_url(task), mine)

    assert answer.status_code == 302
    task.refresh_from_db()
    assert (task.name, task.page_size, task.enabled) == ("Renamed", 500, False)
    assert task.saved_conditions() == (ONE,)
    messages = messages_of(answer)
    assert "Colleague changed Page Size from 25 to 500 meanwhile. That was kept." in messages
    assert "Colleague changed Enabled from Yes to No meanwhile. That was kept." in messages
    assert task.updated_by == "Admin1"


def test_both_values_of_a_task_are_shown(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, page_size="250", name="Renamed") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, page_size="500", output_file="theirs-{run}.xml"))
    answer = signed_in.post(edit_url(task), mine)

    [sentence] = errors(answer)["page_size"]
    assert sentence == (
        "Colleague changed Page Size from 25 to 500 meanwhile. "
        "You typed 250. Save again to set that, or type 500 to keep it."
    )
    form = answer.context["form"]
    shown = [form[name].value() for name in ("page_size", "name", "output_file")]
    assert shown == ["250", "Renamed", "theirs-{run}.xml"]
    assert "to theirs-{run}.xml meanwhile. That was kept." in answer.content.decode()
    task.refresh_from_db()
    assert (task.name, task.page_size) == ("Nightly batches", 500)

    mine |= {"output_file": "theirs-{run}.xml"} | again(answer)
    assert signed_in.post(edit_url(task), mine).status_code == 302
    task.refresh_from_db()
    assert (task.page_size, task.output_file) == (250, "theirs-{run}.xml")


def test_conditions_of_a_colleague_are_kept(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, name="Renamed") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, ONE, TWO))
    assert signed_in.post(edit_url(task), mine).status_code == 302
    task.refresh_from_db()
    assert (task.name, task.saved_conditions()) == ("Renamed", (ONE, TWO))


def test_conflicting_conditions_are_both_shown(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, ONE) | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, TWO))
    answer = signed_in.post(edit_url(task), mine)

    [sentence] = answer.context["rows"].non_form_errors()
    assert "from no conditions to id = 2 meanwhile. You typed id = 1." in sentence
    assert sentence in answer.content.decode()
    assert answer.context["rows"].conditions() == (ONE,)
    assert task.saved_conditions() == (TWO,)
    assert signed_in.post(edit_url(task), mine | again(answer)).status_code == 302
    assert task.saved_conditions() == (ONE,)


def test_same_change_twice_is_no_conflict(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, page_size="500") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, page_size="500"))
    answer = signed_in.post(edit_url(task), mine)
    assert answer.status_code == 302
    assert not any("meanwhile" in sentence for sentence in messages_of(answer))


def test_typed_date_of_a_colleague_is_named(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, date_modified="2021-01-01") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, date_modified="2020-01-01"))
    [sentence] = errors(signed_in.post(edit_url(task), mine))["date_modified"]
    assert sentence.startswith("Colleague moved Date Modified to 2020-01-01T00:00:00Z")


def test_other_fields_of_a_connection_are_kept(signed_in: Client, colleague: Client) -> None:
    page = edit_page(connection := saved_connection())
    mine = UNCHANGED | {"name": "Mine", "is_default": "on"} | opened(signed_in, page)
    theirs = TYPED | {"site": "eu.myconnectwise.net", "is_default": "on"}
    colleague.post(page, theirs)
    answer = signed_in.post(page, mine)

    assert answer.status_code == 302, errors_of(answer)
    now = stored(connection)
    assert (now.name, now.site, now.is_default) == ("Mine", "https://eu.myconnectwise.net", True)
    messages = " ".join(messages_of(answer))
    assert "Colleague changed Site from https://na.myconnectwise.net to https://eu." in messages


def test_both_values_of_a_connection_are_shown(signed_in: Client, colleague: Client) -> None:
    page = edit_page(connection := saved_connection())
    mine = TYPED | {"company": "mine"} | opened(signed_in, page)
    colleague.post(page, TYPED | {"company": "theirs", "private_key": "another"})
    answer = signed_in.post(page, mine)

    found = errors_of(answer)
    assert "from acme to theirs meanwhile. You typed mine." in found["company"][0]
    assert "Colleague replaced the private key meanwhile." in found["private_key"][0]
    assert not shows_the_key(answer)
    assert stored(connection).read_private_key() == "another"
    assert signed_in.post(page, mine | again(answer)).status_code == 302
    assert stored(connection).company == "mine"


@pytest.mark.parametrize("garbage", ["", "x", "eyJhIjoxfQ:1abc:def", "\x00", "9" * 10_000])
def test_forged_comparison_is_ignored(signed_in: Client, make_task: MakeTask, garbage: str) -> None:
    task = make_task()
    data = edited(task, page_size="500") | {OPENED: garbage}
    assert signed_in.post(edit_url(task), data).status_code == 302


def test_row_buttons_keep_what_was_opened(
    signed_in: Client, colleague: Client, make_task: MakeTask
) -> None:
    task = make_task()
    mine = edited(task, page_size="250") | opened(signed_in, edit_url(task))
    colleague.post(edit_url(task), edited(task, page_size="500"))
    shown = signed_in.post(edit_url(task), mine | {"row_action": "add"})
    answer = signed_in.post(edit_url(task), mine | again(shown))
    assert "page_size" in errors(answer)


@pytest.mark.django_db
def test_result_of_a_former_site_is_dropped() -> None:
    connection = saved_connection()
    Connection.objects.filter(pk=connection.pk).update(site="https://eu.myconnectwise.net")
    connection.record_test([{"name": "Address", "outcome": "passed", "sentence": ""}])
    assert stored(connection).last_tested_at is None


@pytest.mark.parametrize("is_archived", [True, False])
def test_typed_text_outlives_the_task(
    signed_in: Client, make_task: MakeTask, is_archived: bool
) -> None:
    task = make_task()
    mine = edited(task, ONE, name="Typed for an hour") | opened(signed_in, edit_url(task))
    task.archive() if is_archived else task.delete()
    answer = signed_in.post(edit_url(task) if is_archived else "/tasks/1/edit/", mine)

    sentence = "is archived" if is_archived else "Somebody deleted this task meanwhile."
    assert sentence in answer.content.decode()
    assert answer.context["form"]["name"].value() == "Typed for an hour"
    assert answer.context["rows"].conditions() == (ONE,)
    if not is_archived:
        assert 'action="/tasks/new/"' in answer.content.decode()
        assert signed_in.post("/tasks/new/", mine).status_code == 302


def test_typed_text_outlives_the_connection(signed_in: Client) -> None:
    page = edit_page(connection := saved_connection())
    mine = TYPED | {"company": "mine"} | opened(signed_in, page)
    connection.delete()
    answer = signed_in.post(page, mine)
    assert "Somebody deleted this connection meanwhile." in answer.content.decode()
    assert answer.context["form"]["company"].value() == "mine"
    assert 'action="/connections/new/"' in answer.content.decode()
    assert not shows_the_key(answer)
