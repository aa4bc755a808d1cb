"""Many tasks on Home: found, sorted, grouped, and several of them run at once."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from exports.access.roles import Role, set_role
from exports.models import AuditEntry, Connection, Installation, Run, Schedule, Task
from exports.schedules.planning import save_planned
from tests.screen_fixtures import fail, start, succeed

MakeTask = Callable[..., Task]
HOME, RUN_SELECTED = reverse("home"), reverse("task-run-selected")


@pytest.fixture
def three(make_task: MakeTask) -> list[Task]:
    return [
        make_task(name=name, output_file=f"{name}.xml", tags=tags)
        for name, tags in (("Alpha", "Payroll, Month end"), ("Beta", "Month end"), ("Gamma", ""))
    ]


def shown(client: Client, **query: object) -> list[str]:
    """The names of the listed tasks, in order."""
    text = unescape(client.get(HOME, query).content.decode())
    return re.findall(r'id="task-\d+-name">([^<]*)<', text)


def test_words_find_names_connections_and_tags(
    signed_in: Client, three: list[Task], connection: Connection
) -> None:
    assert shown(signed_in) == ["Alpha", "Beta", "Gamma"]
    assert shown(signed_in, name="alp") == ["Alpha"]
    assert shown(signed_in, name="month") == ["Alpha", "Beta"]
    assert shown(signed_in, name="month bet") == ["Beta"]
    assert len(shown(signed_in, name=connection.name)) == 3
    assert shown(signed_in, name="nothing") == []


@pytest.mark.rule("M3")
def test_filters_by_tag_state_and_connection(signed_in: Client, three: list[Task]) -> None:
    fail(three[1])
    assert shown(signed_in, tag="Month end") == ["Alpha", "Beta"]
    assert shown(signed_in, tag="Month") == []
    assert shown(signed_in, state="failed") == ["Beta"]
    assert shown(signed_in, tag="Payroll", state="failed") == []
    assert shown(signed_in, connection=three[0].connection_id, tag="Payroll") == ["Alpha"]
    page = signed_in.get(HOME, {"tag": "Payroll"}).content.decode()
    assert '<option value="Payroll" selected>' in page


def test_none_found_offers_way_back(signed_in: Client, three: list[Task]) -> None:
    page = signed_in.get(HOME, {"tag": "Payroll", "state": "never_ran", "name": "x"})
    text = page.content.decode()
    assert "No task matches" in text
    assert f'href="{HOME}?state=never_ran&amp;name=x"' in text or "tag=Payroll" in text


def test_sorted_by_newest_run_and_due_time(signed_in: Client, three: list[Task]) -> None:
    succeed(three[2])
    succeed(three[0])
    save_planned(Schedule(task=three[1], cron="0 3 * * *", zone="UTC"), timezone.now())
    assert shown(signed_in, sort="newest") == ["Alpha", "Gamma", "Beta"]
    assert shown(signed_in, sort="oldest") == ["Beta", "Gamma", "Alpha"]
    assert shown(signed_in, sort="due") == ["Beta", "Alpha", "Gamma"]


def test_groups_have_names_and_counts(signed_in: Client, three: list[Task]) -> None:
    other = Connection.objects.get()
    other.pk, other.name = None, "Zeta"
    other.save()
    Task.objects.filter(name="Alpha").update(connection=other)
    by_connection = groups(signed_in, "connection")
    assert by_connection == [("Acme", "2 tasks"), ("Zeta", "1 task")]
    assert shown(signed_in, group="connection") == ["Beta", "Gamma", "Alpha"]
    by_tag = groups(signed_in, "tag")
    assert by_tag == [("Without a tag", "1 task"), ("Month end", "1 task"), ("Payroll", "1 task")]


def groups(client: Client, group: str) -> list[tuple[str, str]]:
    page = client.get(HOME, {"group": group}).content.decode()
    return re.findall(r'colspan="5">(.*?) <span class="muted">(.*?)</span>', page)


def test_pages_keep_filters_and_never_end_empty(signed_in: Client, make_task: MakeTask) -> None:
    for number in range(30):
        make_task(name=f"Task {number:02}", output_file=f"{number}.xml", tags="Branches")
    first = signed_in.get(HOME, {"tag": "Branches"}).content.decode()
    assert 'href="?tag=Branches&amp;page=2"' in first
    assert len(shown(signed_in, tag="Branches")) == 10
    assert len(shown(signed_in, tag="Branches", page=3)) == 10
    assert shown(signed_in, page=99) == shown(signed_in, page=3)
    assert shown(signed_in, page="x") == shown(signed_in)


def test_unknown_choice_is_told_and_not_applied(signed_in: Client, three: list[Task]) -> None:
    page = signed_in.get(HOME, {"sort": "nonsense", "connection": "999"})
    assert page.status_code == 200
    assert b"There is no such connection" in page.content
    assert shown(signed_in, sort="nonsense") == ["Alpha", "Beta", "Gamma"]


def test_thousand_tasks_take_no_more_queries(
    signed_in: Client,
    connection: Connection,
    make_task: MakeTask,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(3):
        succeed(make_task(name=f"Ran {number}", output_file=f"ran-{number}.xml"))
    names = [f"Branch {number:04}" for number in range(1000)]
    Task.objects.bulk_create(
        Task(name=name, connection=connection, output_file=name, output_file_key=name)
        for name in names
    )
    for query in ({}, {"group": "connection"}, {"sort": "newest", "name": "ran"}):
        with django_assert_max_num_queries(12):
            assert signed_in.get(HOME, query).status_code == 200


def test_selected_tasks_run_and_refusals_are_told(
    signed_in: Client, three: list[Task], user: User
) -> None:
    active = start(three[1])
    Task.objects.filter(pk=three[2].pk).update(enabled=False)
    answer = signed_in.post(
        RUN_SELECTED, {"task": [task.pk for task in three]}, follow=True, HTTP_REFERER="/"
    )
    text = unescape(answer.content.decode())
    assert "1 run started: Alpha." in text
    assert f"Beta is already running: {active}." in text
    assert "Gamma is disabled. Enable it on its form to run it." in text
    run = three[0].runs.get()
    assert (run.status, run.requested_by) == ("queued", user)
    entry = AuditEntry.objects.get(action="run.queued", object_id=run.pk)
    assert entry.actor_name == user.username


def test_running_selected_returns_to_same_filters(signed_in: Client, three: list[Task]) -> None:
    page = "http://testserver/?tag=Month+end&page=2"
    answer = signed_in.post(RUN_SELECTED, {"task": [three[0].pk]}, HTTP_REFERER=page)
    assert answer.headers["Location"] == "/?tag=Month+end&page=2"


@pytest.mark.parametrize("chosen", [[], ["x"], ["-1"], ["9" * 30], ["99999"]])
def test_nothing_selected_starts_nothing(
    signed_in: Client, three: list[Task], chosen: list[str]
) -> None:
    answer = signed_in.post(RUN_SELECTED, {"task": chosen}, follow=True)
    assert "No task is selected" in answer.content.decode()
    assert not Run.objects.exists()


def test_too_many_selected_start_nothing(signed_in: Client, three: list[Task]) -> None:
    many = [*range(three[0].pk, three[0].pk + 101)]
    answer = signed_in.post(RUN_SELECTED, {"task": many}, follow=True)
    assert "at most 100 tasks at once" in answer.content.decode()
    assert not Run.objects.exists()


def test_restored_installation_runs_none_at_once(signed_in: Client, three: list[Task]) -> None:
    Installation.objects.mark_restored(timezone.now(), timezone.now())
    signed_in.post(RUN_SELECTED, {"task": [three[0].pk]})
    assert not Run.objects.exists()


def test_viewer_has_no_boxes_and_is_refused(client: Client, three: list[Task]) -> None:
    viewer = User.objects.create_user("viewer")
    set_role(viewer, Role.VIEWER)
    client.force_login(viewer)
    assert "run-selected" not in client.get(HOME).content.decode()
    assert client.post(RUN_SELECTED, {"task": [three[0].pk]}).status_code == 403
    assert not Run.objects.exists()
