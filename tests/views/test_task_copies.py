"""A new task that starts as a copy of another one."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.forms.dates import canonical
from exports.forms.task_copies import first_values_of_copy
from exports.models import Destination, Task, TaskDestination
from tests.screen_fixtures import move_date, succeed
from tests.views.form_data import errors, new_task

MakeTask = Callable[..., Task]
TYPED, MOVED = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
ROWS = (
    Condition("exportInvoicesFlag", "Equal", "True", "Or"),
    Condition("batchIdentifier", "Like", '"2026*"'),
)


def clone_url(task: Task) -> str:
    return reverse("task-clone", args=[task.pk])


def test_copy_starts_with_last_typed_dates(signed_in: Client, make_task: MakeTask) -> None:
    other = make_task(name="Other", output_file="other.xml")
    task = make_task(
        export="modified",
        date_modified=TYPED,
        page_size=250,
        include_extra_fields=True,
        on_failure_task=other,
        break_on_failure=False,
    )
    task.replace_conditions(ROWS)
    move_date(task, succeed(task), "date_modified", MOVED)
    response = signed_in.get(clone_url(task))

    form = response.context["form"]
    shown = {field.name: field.value() for field in form.visible_fields()}
    assert shown == {
        "name": "Copy of Nightly batches",
        "connection": task.connection_id,
        "date_created": canonical(datetime(1970, 1, 1, tzinfo=UTC)),
        "date_modified": canonical(TYPED),
        "date_reason": None,
        "export": "modified",
        "page_size": 250,
        "output_file": "batches-copy.xml",
        "references_to_fetch": None,
        "references_to_fetch_page_size": 100,
        "include_extra_fields": True,
        "enabled": True,
        "can_resume_from_failure": True,
        "on_failure_task": other.pk,
        "break_on_failure": False,
        "success_within_hours": None,
        "tags": "",
        "report": "never",
        "report_channel": None,
        "report_with_file": False,
        "report_with_log": False,
    }
    assert form.rows.conditions() == ROWS
    page = unescape(response.content.decode())
    assert "begins at the dates that were last typed for Nightly batches" in page
    assert (
        "Date Modified: the copy begins at <code>2020-01-01T00:00:00Z</code>, Nightly batches "
        "stands at <code>2026-03-01T00:00:00Z</code>." in " ".join(page.split())
    )
    assert "given when the task is saved" in page


def test_saving_copy_leaves_the_original_alone(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task(export="modified", date_modified=TYPED)
    task.replace_conditions(ROWS)
    before = Task.objects.filter(pk=task.pk).values().get()
    data = new_task(task.connection, *ROWS, name="Copy", output_file="copy.xml")
    response = signed_in.post(clone_url(task), data)

    copied = Task.objects.get(name="Copy")
    assert response.headers["Location"] == reverse("task-detail", args=[copied.pk])
    assert copied.unique_id != task.unique_id
    assert copied.saved_conditions() == ROWS
    origins = copied.date_changes.order_by("field").values_list("field", "origin", "changed_by")
    assert list(origins) == [
        ("date_created", "typed", user.pk),
        ("date_modified", "typed", user.pk),
    ]
    assert Task.objects.filter(pk=task.pk).values().get() == before
    assert task.saved_conditions() == ROWS


def test_copy_delivers_where_the_original_does(signed_in: Client, task: Task) -> None:
    partner, bank = (Destination.objects.create(name=name, kind="sftp") for name in ("A", "B"))
    TaskDestination.objects.create(
        task=task, destination=partner, name_template="partner.xml", sends_empty=True
    )
    TaskDestination.objects.create(task=task, destination=bank, name_template="{task}-{date}.xml")
    page = signed_in.get(clone_url(task)).content.decode()
    assert "A, B, Export folder." in page
    data = new_task(task.connection, name="Copy", output_file="copy.xml")
    signed_in.post(clone_url(task), data)

    uses = Task.objects.get(name="Copy").task_destinations.order_by("destination__name")
    assert list(uses.values_list("destination__name", "name_template", "sends_empty")) == [
        # Both tasks would write partner.xml there.
        ("A", "", True),
        ("B", "{task}-{date}.xml", False),
        ("Export folder", "", False),
    ]


def test_a_copy_that_is_refused_stays_a_copy(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    response = signed_in.post(clone_url(task), new_task(task.connection, output_file="batches.xml"))

    assert set(errors(response)) == {"name", "output_file"}
    assert "A copy of Nightly batches" in response.content.decode()
    assert Task.objects.count() == 1


def test_the_rows_of_a_copy_work_without_script(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    data = new_task(task.connection, *ROWS, name="Half typed", row_action="remove-0")
    response = signed_in.post(clone_url(task), data)

    assert response.context["form"].rows.conditions() == ROWS[1:]
    page = response.content.decode()
    assert 'value="Half typed"' in page
    assert "A copy of Nightly batches" in page


def test_a_copy_suggests_names_that_are_free(make_task: MakeTask) -> None:
    task = make_task(name="Nightly", output_file="batches-{run}.xml")
    make_task(name="COPY of nightly", output_file="BATCHES-{run}-copy.xml")
    make_task(name="Copy of Nightly (2)", output_file="2.xml").archive()

    values = first_values_of_copy(task)
    assert values["name"] == "Copy of Nightly (3)"
    assert values["output_file"] == "batches-{run}-copy-2.xml"


def test_the_suggested_names_are_not_too_long(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(name="n" * 100, output_file="f" * 196 + ".xml")
    values = first_values_of_copy(task)

    assert (len(values["name"]), len(values["output_file"])) == (100, 200)
    assert values["output_file"].endswith("-copy.xml")
    data = new_task(task.connection, name=values["name"], output_file=values["output_file"])
    assert signed_in.post(clone_url(task), data).status_code == 302


def test_copy_keeps_disabled_but_not_archived(
    make_task: MakeTask,
) -> None:
    archived = make_task(name="Archived", output_file="1.xml")
    archived.archive()
    disabled = make_task(name="Disabled", output_file="2.xml", enabled=False)
    enabled = [first_values_of_copy(each)["enabled"] for each in (archived, disabled)]
    assert enabled == [True, False]


def test_only_existing_task_can_be_copied(signed_in: Client, db: None) -> None:
    assert signed_in.get("/tasks/99/clone/").status_code == 404
