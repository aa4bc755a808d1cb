"""Every error sentence of the task form, and where it stands (F3, F6, O1)."""

from collections.abc import Callable
from html import unescape
from re import findall

import pytest
from django.test import Client

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Task
from tests.views.form_data import CREATE, edit_url, edited, errors, new_task

MakeTask = Callable[..., Task]


# Every error of a condition (F3), each at its input.
@pytest.mark.parametrize(
    ("row", "part", "sentence"),
    [
        (("batchIdentifier", "Equal", "2019 b"), "value", "is text without quotes"),
        (("batchIdentifier", "Equal", '"2019'), "value", "quote that is not closed"),
        (("batchIdentifier", "Equal", '2019"'), "value", "does not start with one"),
        (("updatedBy", "Equal", '"a"b"'), "value", "holds the same quote"),
        (("updatedBy", "Equal", "'O'Neil'"), "value", "holds the same quote"),
        (
            ("batchIdentifier", "Equal", 'x" or id>0 or batchIdentifier="'),
            "value",
            "does not start with one",
        ),
        (
            ("batchIdentifier", "Equal", '"x" or id>0 or batchIdentifier=""'),
            "value",
            "holds the same quote",
        ),
        (("updatedBy", "Equal", '"C:\\temp\\"'), "value", "holds a backslash"),
        (("updatedBy", "Equal", '"a\x00b"'), "value", "character that cannot be sent"),
        (("id", "Equal", "(1, 2)"), "value", "is a list; Equal takes one value"),
        (("id", "In", "1, 2"), "value", "is not a list"),
        (("id", "In", "()"), "value", "is an empty list"),
        (("id", "In", "(1,)"), "value", "a comma too many"),
        (("id", "In", '(1, "a")'), "value", "mixes"),
        (("id", "NotIn", "(1, null)"), "value", "holds null, which cannot stand in a list"),
        (("id", "GreaterThan", "null"), "value", "is null; GreaterThan takes"),
        (("other", "LessThan", "True"), "value", "is a True/False value; LessThan takes"),
        (("lastUpdated", "LessThanOrEqual", ""), "value", "is blank; LessThanOrEqual takes"),
        (("batchIdentifier", "Contains", "2019"), "value", "is a whole number; Contains takes"),
        (("batchIdentifier", "Like", "null"), "value", "is null; Like takes text in quotes"),
        (("batchIdentifier", "NotContains", "True"), "value", "NotContains takes text"),
        (("batchIdentifier", "NotLike", "[2020-01-01]"), "value", "NotLike takes text"),
        (("lastUpdated", "Equal", "[2001-02-29]"), "value", "does not exist"),
        (("lastUpdated", "Equal", "[yesterday]"), "value", "not a date in the ISO 8601 format"),
        (("lastUpdated", "Equal", "2001-02-28"), "value", "not a date in square brackets"),
        (("lastUpdated", "Equal", "[1752-12-31]"), "value", "outside the years 1753 to 9999"),
        (("batchIdentifier", "Equal", "2019"), "value", "but batchIdentifier holds text"),
        (("exportInvoicesFlag", "Equal", '"True"'), "value", "holds True or False"),
        (("id", "Equal", "2.5"), "value", "but id holds whole numbers"),
        (("id", "Equal", "1" * 41), "value", "more than 40 characters"),
        (("closedFlag", "In", "(1, 0)"), "value", "holds True or False"),
        (("", "Equal", "1"), "field", "The field is missing"),
        (("id) or (id", "Equal", "1"), "field", "is not a field"),
        (("id>0 or id", "Equal", "1"), "field", "is not a field"),
        (("a/b/c", "Equal", "1"), "field", "is not a field"),
        (("#+?=%00", "Equal", "1"), "field", "is not a field"),
        (("f" * 101, "Equal", "1"), "field", "is not a field"),
        (("and", "Equal", "1"), "field", "is a word of the filter language"),
        (("null/name", "Equal", "1"), "field", "is a word of the filter language"),
        (("externalId", "Equal", '"1"'), "field", "ConnectWise does not know it"),
        (("id", "", "1"), "comparison", "The comparison is missing"),
        (("id", "Equals", "1"), "comparison", "Equals is not a comparison"),
        (("id", "Contains", '"1"'), "comparison", "id holds whole numbers"),
        (("closedFlag", "GreaterThan", "True"), "comparison", "closedFlag holds True or False"),
        (("id", "Equal", "1", "Xor"), "logic_operator", "choose And or Or"),
    ],
)
@pytest.mark.rule("F3")
def test_invalid_condition_is_refused_at_its_input(
    signed_in: Client, connection: Connection, row: tuple[str, ...], part: str, sentence: str
) -> None:
    typed = Condition(*row)
    first = Condition("id", "GreaterThan", "0", "And")
    response = signed_in.post(CREATE, new_task(connection, first, typed))

    assert Task.objects.count() == 0
    [(place, messages)] = errors(response).items()
    assert (place, len(messages)) == (f"conditions-1-{part}", 1)
    assert sentence in messages[0]
    form = response.context["form"].rows.forms[1]
    assert form.typed() == typed
    page = response.content.decode()
    assert [tag for tag in findall(r"<[^>]*autofocus[^>]*>", page) if f'name="{place}"' in tag]
    assert f'id="id_{place}_error"' in page
    assert findall(rf'<[^>]*name="{place}"[^>]*aria-describedby="[^"]*id_{place}_error"', page)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "The task needs a name, e.g. Nightly batches."),
        ("name", "a\u202eb", "A task's name is plain text on one line"),
        ("name", "n" * 101, "at most 100 characters"),
        ("connection", "", "Choose the connection whose batches are exported."),
        ("connection", "99", "This connection is no longer there. Choose another."),
        ("connection", "9" * 30, "This connection is no longer there. Choose another."),
        ("export", "some", "Choose Modified, New or All."),
        ("page_size", "", "A page holds 1 to 1000 records: write a whole number, e.g. 100."),
        ("page_size", "0", "A page holds 1 to 1000 records"),
        ("page_size", "1001", "A page holds 1 to 1000 records"),
        ("page_size", "1e3", "A page holds 1 to 1000 records"),
        ("page_size", "9" * 5000, "A page holds 1 to 1000 records"),
        ("references_to_fetch_page_size", "0", "A page holds 1 to 1000 records"),
        ("references_to_fetch_page_size", "1001", "A page holds 1 to 1000 records"),
        (
            "references_to_fetch",
            "company",
            "This task does not return any references that can be fetched. Leave it empty.",
        ),
        ("output_file", "", "The file needs a name, e.g. batches-{run}.xml."),
        ("output_file", "../../etc/passwd", "is a name without folders"),
        ("output_file", "..\\x.xml", "is a name without folders"),
        ("output_file", ".htaccess", "does not begin with a dot"),
        ("output_file", "CON.xml", "a name that Windows keeps for a device"),
        ("output_file", "a\r\nX: y.xml", "name holds U+000D U+000A :."),
        ("output_file", "a\u202elmx.xml", "name holds U+202E."),
        ("output_file", "batches.txt", "must end in .xml"),
        ("output_file", "{year}.xml", "{year} cannot be filled in"),
        ("output_file", "x" * 300 + ".xml", "name is 304 characters long, 200 is the most"),
        ("date_created", "", "A date is needed, e.g. 2020-01-01T00:00:00Z."),
        ("date_created", "31.12.2020", "31.12.2020 is not a date from 1753 to 9998"),
        ("date_modified", "2001-02-29", "2001-02-29 is a date or time that does not exist."),
        ("date_modified", "1752-12-31T23:59:59Z", "is not a date from 1753 to 9998"),
        ("date_modified", "9999-12-31T23:59:59Z", "is not a date from 1753 to 9998"),
        ("date_modified", "2020-01-01T00:00:00Z]", "is not a date from 1753 to 9998"),
        ("date_modified", "1" * 5000, "is not a date from 1753 to 9998"),
        ("on_failure_task", "99", "This task is no longer there. Choose another, or none."),
    ],
)
@pytest.mark.rule("E1")
def test_invalid_setting_is_refused_at_its_field(
    signed_in: Client, connection: Connection, field: str, typed: str, sentence: str
) -> None:
    response = signed_in.post(CREATE, new_task(connection, **{field: typed}))

    assert Task.objects.count() == 0
    [(place, messages)] = errors(response).items()
    assert (place, len(messages)) == (field, 1)
    assert sentence in messages[0]
    assert response.context["form"][field].value() == typed
    page = response.content.decode()
    [focused] = findall(r"<[^>]*autofocus[^>]*>", page)
    assert f'name="{field}"' in focused
    assert f'id="id_{field}_error"' in page


def test_first_wrong_field_gets_the_focus(signed_in: Client, connection: Connection) -> None:
    wrong = Condition("id", "Equal", "x", "")
    data = new_task(connection, wrong, page_size="0", references_to_fetch="company")
    response = signed_in.post(CREATE, data)

    assert list(errors(response)) == ["page_size", "references_to_fetch", "conditions-0-value"]
    [focused] = findall(r"<[^>]*autofocus[^>]*>", response.content.decode())
    assert 'name="conditions-0-value"' in focused


@pytest.mark.rule("O1")
def test_names_and_files_are_unique(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(name="Nightly batches", output_file="Batches.xml")
    response = signed_in.post(CREATE, new_task(task.connection, output_file="bATCHES.XML"))

    assert errors(response) == {
        "name": [
            "Another task has this name, perhaps an archived one: those are listed below the tasks "
            "on Home. Choose another."
        ],
        "output_file": [
            "Nightly batches already exports to Batches.xml. Two tasks cannot share a file: "
            "choose another name."
        ],
    }


def test_file_of_archived_task_is_free(signed_in: Client, make_task: MakeTask) -> None:
    old = make_task(name="Old", output_file="batches.xml")
    old.archive()
    data = new_task(old.connection, name="New", output_file="batches.xml", export="all")
    assert signed_in.post(CREATE, data).status_code == 302


@pytest.mark.rule("R6")
def test_on_failure_tasks_cannot_form_a_circle(signed_in: Client, make_task: MakeTask) -> None:
    first = make_task(name="First", output_file="1.xml")
    second = make_task(name="Second", output_file="2.xml", on_failure_task=first)
    third = make_task(name="Third", output_file="3.xml", on_failure_task=second)
    response = signed_in.post(edit_url(first), edited(first, on_failure_task=str(third.pk)))

    assert errors(response) == {
        "on_failure_task": [
            "That would be a circle: First → Third → Second → First. Choose a task that does not "
            "lead back here, or none."
        ]
    }
    offered = {str(task) for task in response.context["form"].fields["on_failure_task"].queryset}
    assert offered == {"Second", "Third"}


@pytest.mark.rule("F6")
def test_too_long_filter_is_refused_with_lengths(signed_in: Client, connection: Connection) -> None:
    ids = ", ".join(str(number) for number in range(1000))
    response = signed_in.post(CREATE, new_task(connection, Condition("id", "In", f"({ids})")))

    assert Task.objects.count() == 0
    [message] = response.context["form"].rows.non_form_errors()
    assert message.startswith("These conditions make an address of 6,")
    assert "ConnectWise takes fewer than 2,000" in message
    assert message in unescape(response.content.decode())


def test_a_long_filter_that_fits_is_saved(signed_in: Client, connection: Connection) -> None:
    rows = [Condition("id", "NotEqual", str(number), "") for number in range(40)]
    assert signed_in.post(CREATE, new_task(connection, *rows, export="all")).status_code == 302
    assert Task.objects.get().conditions.count() == 40


def test_too_long_text_is_refused_with_length(signed_in: Client, connection: Connection) -> None:
    fields = signed_in.get(CREATE).context["form"].fields
    assert [fields[name].widget.attrs.get("maxlength") for name in ("name", "output_file")] == [
        None,
        None,
    ]
    response = signed_in.post(CREATE, new_task(connection, name="x" * 300))
    assert errors(response) == {
        "name": ["A task's name has at most 100 characters, this one has 300. Shorten it."]
    }
    assert response.context["form"]["name"].value() == "x" * 300
