"""The task form: what it shows, saves and warns about."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from re import findall

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.models import AuditEntry, Connection, DateChange, Task
from tests.screen_fixtures import move_date, put_out, succeed
from tests.views.form_data import CREATE, edit_url, edited, errors, new_task

MakeTask = Callable[..., Task]


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def messages_in(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]


def test_a_task_is_saved_with_all_its_settings(
    signed_in: Client, connection: Connection, user: User
) -> None:
    rows = (
        Condition("exportInvoicesFlag", "Equal", "true", "Or"),
        Condition("batchIdentifier", "Like", '"2026*"', ""),
    )
    response = signed_in.post(
        CREATE,
        new_task(
            connection,
            *rows,
            Condition("", "", "", ""),
            date_modified="2020-01-01",
            export="new",
            page_size="1000",
            include_extra_fields="on",
            can_resume_from_failure="",
        ),
    )

    task = Task.objects.get()
    assert response.headers["Location"] == reverse("task-detail", args=[task.pk])
    saved, met_late = messages_in(response)
    assert saved == "Nightly batches was saved."
    assert met_late.startswith("New looks at each batch once")
    assert (task.name, task.connection, task.export) == ("Nightly batches", connection, "new")
    assert (task.page_size, task.references_to_fetch_page_size) == (1000, 100)
    assert (task.include_extra_fields, task.enabled) == (True, True)
    assert (task.can_resume_from_failure, task.break_on_failure) == (False, True)
    assert task.saved_conditions() == rows
    assert (task.date_created, task.date_modified) == (day(1970, 1, 1), day(2020, 1, 1))
    changes = DateChange.objects.order_by("field").values_list("field", "origin", "changed_by")
    assert list(changes) == [
        ("date_created", "typed", user.pk),
        ("date_modified", "typed", user.pk),
    ]


def test_form_shows_labels_in_order(signed_in: Client, connection: Connection) -> None:
    page = unescape(signed_in.get(CREATE).content.decode()).partition("<main")[2]

    labels = findall(r"<label[^>]*>([^<]*)</label>", page)
    assert labels == [
        "Task Name",
        "Connection",
        "Tags",
        *("Field", "Comparison", "Value", "Date", "Time in UTC (optional)", "Logic Operator"),
        *("Date Created", "Date Modified", "Export Modified, New or All Records", "Page Size"),
        *("Output File", "References To Fetch", "References To Fetch Page Size"),
        "Include extra API fields",
        *("Task Type", "Unique ID", "Enabled", "Can Resume From Failure"),
        *("On Failure Task", "Break on Failure"),
        "Tell me without a success for (hours)",
        *("Report", "Report to", "Report with the log", "Report with the file"),
    ]
    helped = findall(r'class="form-text" id="id_(\w+)_helptext">\s*\S', page)
    assert len(helped) == len(set(helped)) == 20
    assert "This task does not return any references that can be fetched" in page


def test_form_says_what_is_edited(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    page = signed_in.get(edit_url(task)).content.decode()
    assert "<h1>Edit Nightly batches</h1>" in page
    crumbs = page.partition('<nav class="crumbs"')[2].partition("</nav>")[0]
    leads_to = findall('<a href="([^"]*)">([^<]*)</a>', crumbs)
    assert leads_to == [("/tasks/", "Tasks"), (f"/tasks/{task.pk}/", "Nightly batches")]


def test_a_new_task_has_the_specified_defaults(signed_in: Client, connection: Connection) -> None:
    form = signed_in.get(CREATE).context["form"]

    shown = {name: form[name].value() for name in ("connection", "export", "page_size", "enabled")}
    assert shown == {
        "connection": connection.pk,
        "export": "modified",
        "page_size": 100,
        "enabled": True,
    }
    assert 'value="1970-01-01T00:00:00Z"' in str(form["date_created"])
    assert form["references_to_fetch_page_size"].value() == 100


def test_an_existing_task_shows_what_was_saved(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task(export="modified", date_modified=day(2020, 1, 1))
    task.replace_conditions([Condition("id", "In", "(1, 2)", "")])
    run = succeed(task, user)
    page = unescape(signed_in.get(edit_url(task)).content.decode())

    assert 'value="2020-01-01T00:00:00Z"' in page
    assert 'value="(1, 2)"' in page
    assert str(task.unique_id) in page
    assert Task.TYPE in page
    assert f'<a href="/runs/{run.pk}/">' in page
    assert "id in (1,2)" in page


def test_saving_without_a_change_changes_nothing(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="all")
    task.replace_conditions([Condition("id", "GreaterThan", "1", "And")])
    rows = list(task.conditions.values())
    before = Task.objects.filter(pk=task.pk).values().get()

    assert signed_in.post(edit_url(task), edited(task)).status_code == 302
    assert Task.objects.filter(pk=task.pk).values().get() == before
    assert list(task.conditions.values()) == rows
    assert task.date_changes.count() == 2


def test_likely_mistake_is_saved_with_warning(signed_in: Client, connection: Connection) -> None:
    data = new_task(
        connection,
        Condition("company/id", "Equal", "1", ""),
        date_modified="2999-01-01",
        output_file="batches.xml",
    )
    response = signed_in.post(CREATE, data)

    saved, unknown, future, replaced = messages_in(response)
    assert saved == "Nightly batches was saved."
    assert unknown.startswith("company/id is not a known field")
    assert future.startswith("Date Modified lies in the future: 2999-01-01T00:00:00Z")
    assert replaced.startswith("Every run replaces the file of the one before")


def test_dated_file_is_replaced_on_its_day(signed_in: Client, connection: Connection) -> None:
    dated = new_task(connection, output_file="batches-{date}.xml")
    response = signed_in.post(CREATE, dated)
    page = signed_in.get(response["Location"]).content.decode()

    assert messages_in(response)[-1].startswith("Runs of the same day replace each other's file")
    assert "Runs of the same day replace each other" in page
    assert "Every run replaces" not in page


def test_form_shows_the_final_file_name(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(output_file="{task}-{run}.xml", export="modified")
    run = succeed(task)
    page = signed_in.get(edit_url(task)).content.decode()

    assert f"<code>Nightly batches-{run.pk + 1}.xml</code>" in page
    assert "Every run replaces" not in page


def test_changed_conditions_say_what_the_next_run_fetches(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task(export="modified", output_file="{run}.xml")
    run = succeed(task)
    put_out(run, 7, 8)
    move_date(task, run, "date_modified", day(2026, 3, 1))
    task.refresh_from_db()
    response = signed_in.post(edit_url(task), edited(task, Condition("id", "LessThan", "9", "")))

    assert messages_in(response) == [
        "Nightly batches was saved.",
        f"The conditions changed since run {run.pk} moved the date. The next run starts again at "
        "1970-01-01T00:00:00Z. It skips the 2 batches that already went out.",
    ]


@pytest.mark.rule("E1")
def test_nothing_is_half_saved(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    task.replace_conditions([Condition("id", "Equal", "1", "")])
    wrong = Condition("id", "Equal", "x", "")
    signed_in.post(edit_url(task), edited(task, wrong, name="Other", date_created="2021-01-01"))

    stored = Task.objects.get(pk=task.pk)
    assert (stored.name, stored.date_created) == (task.name, task.date_created)
    assert stored.saved_conditions() == (Condition("id", "Equal", "1", ""),)
    assert stored.date_changes.count() == 2


def test_what_is_typed_is_escaped(signed_in: Client, connection: Connection) -> None:
    awkward = '"><script>alert(1)</script>{{7*7}}'
    page = signed_in.post(CREATE, new_task(connection, name=awkward, page_size=awkward)).content
    assert b"<script>alert(1)" not in page
    assert b"{{7*7}}" in page


def test_former_output_name_is_flagged(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(output_file="$(calc).xml")
    assert "name holds $." in signed_in.get(edit_url(task)).content.decode()
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert "the name is not allowed any more" in page
    assert task.queue_run("manual").output_file == "$(calc).xml"
    assert "output_file" in errors(signed_in.post(edit_url(task), edited(task)))


def test_unicode_forms_of_one_file_clash(signed_in: Client, make_task: MakeTask) -> None:
    make_task(output_file="Zo\u00eb.xml")
    other = make_task(name="Other", output_file="other.xml")
    data = edited(other, output_file="zoe\u0308.xml")
    [sentence] = errors(signed_in.post(edit_url(other), data))["output_file"]
    assert "already exports to Zo\u00eb.xml" in sentence


def test_tags_are_saved_shown_and_audited(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    Task.objects.create(
        name="Other", connection=task.connection, output_file="other.xml", tags="Payroll"
    )
    url = reverse("task-edit", args=[task.pk])
    signed_in.post(url, edited(task, tags=" payroll,Month end, month END"))
    task.refresh_from_db()
    assert task.tags == "Payroll, Month end"
    entry = AuditEntry.objects.get(action="task.changed", object_id=task.pk)
    assert entry.changes == {"tags": ["", "Payroll, Month end"]}
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert f'href="{reverse("home")}?tag=Month%20end"' in page


def test_unfit_tags_are_refused_and_kept(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    url = reverse("task-edit", args=[task.pk])
    typed = f"{'x' * 31}, y"
    page = signed_in.post(url, edited(task, tags=typed)).content.decode()
    assert "A tag has at most 30 characters" in page
    assert f'value="{typed}"' in page
    task.refresh_from_db()
    assert task.tags == ""
