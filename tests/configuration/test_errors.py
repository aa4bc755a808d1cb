"""All errors of a file are reported at once, by line, and nothing is changed."""

import re

import pytest

from exports.configuration import Outcome
from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter.conditions import fitting_comparisons
from exports.models import Task
from tests.configuration.example import EXAMPLE, changed, load, needs_database, problems


@needs_database
def test_all_errors_are_listed_by_line() -> None:
    load()
    text = """\
connections:
  - name: Acme
    site: ftp://files.example.com
    company: acme
    public_kee: AbCdEf
    client_id: [1, 2]
  - just text
tasks:
  - name: One
    conection: Acme
    connection: Acne
    export: modifed
    date_created: tomorrow
    page_size: many
    output_file: ../one.xml
    include_extra_fields: perhaps
  - name: Two
    export: all
    page_size: 1001
    output_file: BATCHES.xml
    output_file: two.xml
    on_failure_task: Three
  - {name: Two, export: all}
"""
    found = problems(text)
    assert found == [
        "2: A connection needs the key public_key.",
        "3: A site starts with https:// or with the host itself, for example na.myconnectwise.net "
        "or cw.example.com:8443.",
        "5: public_kee is not a key of a connection. Did you mean public_key?",
        "6: client_id is a list: write one piece of text.",
        "7: Here a connection is plain text: write keys, like name: …",
        "10: conection is not a key of a task. Did you mean connection?",
        "11: There is no connection Acne. Did you mean Acme?",
        "12: Choose Modified, New or All.",
        "13: tomorrow is not a date from 1753 to 9998 in ISO 8601 format. Write year, month and "
        "day, then the time in UTC, e.g. 2020-01-01T00:00:00Z.",
        "14: A page holds 1 to 1000 records: write a whole number, e.g. 100.",
        "15: The output file is a name without folders that does not begin with a dot. Write a "
        "plain file name such as batches.xml or batches-{run}.xml.",
        "16: include_extra_fields is perhaps: write true or false.",
        "19: A page holds 1 to 1000 records: write a whole number, e.g. 100.",
        "20: Nightly batches already exports to batches.xml. Two tasks cannot share a file: choose "
        "another name.",
        "21: output_file stands here twice, first on line 20.",
        "22: There is no task Three. Known: Nightly batches, One, Two.",
        "23: A task needs the key output_file.",
        "23: Two is the name of the task on line 17 already.",
    ]


@needs_database
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            '{field: batchIdentifier, comparison: Equal, value: "John"}',
            "2: The value for batchIdentifier is text without quotes. "
            'Example: batchIdentifier Equal "John" '
            "(YAML takes one pair of quotes for itself: write value: '\"John\"')",
        ),
        (
            "{field: lastUpdated, comparison: Equal, value: [2019-10-16T08:31:19Z]}",
            "2: value is a list to YAML: put quotes around it, '[2019-10-16T08:31:19Z]'.",
        ),
        (
            "{field: id, comparison: equals, value: 1}",
            "2: equals is not a comparison. id can be compared with "
            f"{', '.join(fitting_comparisons(FieldType.INTEGER))}. Example: id Equal 284",
        ),
        (
            "{field: id, comparison: Equal, value: 1, logic: xor}",
            "2: The logic operator of id is xor: choose And or Or, or leave it empty, "
            "which means And.",
        ),
        (
            "{field: externalId, comparison: Equal, value: 1}",
            "2: externalId cannot be used: the export adds it, ConnectWise does not know it. "
            "Example: batchIdentifier",
        ),
        ("{comparison: Equal, value: 1}", "2: A condition needs the key field."),
        ("id = 1", "2: Here a condition is plain text: write keys, like field: …"),
    ],
)
def test_invalid_condition_is_refused_with_its_line(row: str, message: str) -> None:
    load(EXAMPLE)
    text = f"tasks: [{{name: One, export: all, output_file: one.xml, conditions: [\n{row}]}}]\n"
    assert problems(text) == [message]


@needs_database
def test_condition_error_points_at_the_wrong_key() -> None:
    load()
    text = """\
tasks:
  - name: One
    export: all
    output_file: one.xml
    conditions:
      - field: id
        comparison: Contains
        value: 1
      - field: id
        comparison: In
        value: (1,
        logic: Or
"""
    assert [problem.split(":")[0] for problem in problems(text)] == ["7", "11"]


@needs_database
@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("True", "exportInvoicesFlag = True"),
        ("'false'", "exportInvoicesFlag = False"),
        ("null", "exportInvoicesFlag = null"),
        ("", "exportInvoicesFlag = null"),
    ],
)
def test_value_is_read_as_the_text_written(written: str, sent: str) -> None:
    row = f"      - {{field: exportInvoicesFlag, comparison: Equal, value: {written}}}\n"
    load(EXAMPLE[: EXAMPLE.index("      - {field")] + row)

    task = Task.objects.get()
    assert task.saved_conditions()[0].value == written.strip("'")
    assert task.rendered_conditions() == sent


@needs_database
def test_numbers_keep_the_text_they_were_written_with() -> None:
    row = "      - {field: id, comparison: Equal, value: 0284}\n"
    load(EXAMPLE[: EXAMPLE.index("      - {field")] + row)
    assert Task.objects.get().saved_conditions()[0].value == "0284"


@needs_database
def test_an_unknown_field_is_taken_with_a_warning() -> None:
    loaded = load(changed("{field: batchIdentifier", "{field: batchIdentifer"))
    assert [(one.line, one.sentence) for one in loaded.warnings] == [
        (
            19,
            "batchIdentifer is not a known field: ConnectWise may refuse it or find nothing."
            " Did you mean batchIdentifier?",
        )
    ]


@needs_database
def test_too_long_conditions_are_refused_with_limit() -> None:
    ids = ", ".join(map(str, range(1000)))
    row = f"      - {{field: id, comparison: In, value: '({ids})'}}\n"
    [message] = problems(EXAMPLE[: EXAMPLE.index("      - {field")] + row)

    length = re.fullmatch(
        r"17: These conditions make an address of ([\d,]+) characters, dates and paging included; "
        r"ConnectWise takes fewer than 2,000\. Shorten values or lists, or share them out over "
        r"several tasks\.",
        message,
    )
    assert length is not None
    assert int(length[1].replace(",", "")) > 5_000


@needs_database
def test_archived_task_is_not_restored_by_file() -> None:
    load()
    Task.objects.get().archive()
    assert problems(EXAMPLE) == ["9: Nightly batches is archived: restore it or take another name."]
    load(changed("name: Nightly batches", "name: Another"))
    assert Task.objects.get(name="Another").output_file == "batches.xml"


@needs_database
def test_failure_tasks_may_not_form_a_circle() -> None:
    load()
    a = "  - {name: A, export: all, output_file: a.xml, on_failure_task: B}\n"
    b = "  - {name: B, export: all, output_file: b.xml%s}\n"
    load("tasks:\n" + a + b % "")
    assert Task.objects.get(name="A").on_failure_task == Task.objects.get(name="B")

    assert problems("tasks:\n" + b % ", on_failure_task: A") == [
        "2: That would be a circle: B → A → B. Choose a task that does not lead back here, or none."
    ]
    assert problems("tasks:\n" + b % ", on_failure_task: B") == [
        "2: That would be a circle: B → B. Choose a task that does not lead back here, or none."
    ]
    outcomes = load("tasks:\n" + a.replace(", on_failure_task: B", "")).outcomes
    assert outcomes == (Outcome("task", "A", False, ("on_failure_task: B → none",)),)
    assert Task.objects.get(name="A").on_failure_task is None


@needs_database
@pytest.mark.parametrize(
    ("site", "message"),
    [
        ("http://169.254.169.254", "3: The address 169.254.169.254 is never called"),
        ("https://user:secret@example.com", "3: A site holds no user name or password"),
        ('"2852039166"', "3: The address 169.254.169.254 is never called"),
    ],
)
def test_forbidden_site_is_refused(site: str, message: str) -> None:
    [problem] = problems(changed("https://na.myconnectwise.net", site))
    assert problem.startswith(message)


@needs_database
@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("company: acme", "company: ac+me", "4: A company holds no + or colon"),
        ("public_key: AbCdEf", "public_key: a:b", "5: A public key holds no colon"),
        ("name: Acme", 'name: "A\\u200bcme"', "2: Name holds invisible characters"),
        ("client_id: 1111", "client_id: é1111", "7: A Client ID is plain letters"),
        (
            "    client_id",
            "    parallel_requests: 9\n    client_id",
            "7: Type a whole number from 1",
        ),
        ("page_size: 1000", "page_size: 1" + "0" * 5000, "14: A page holds 1 to 1000 records"),
        (
            "output_file: batches.xml",
            "output_file: $(calc).xml",
            "15: The output file's name holds",
        ),
        ("date_created: 2020", "date_created: 9999", "12: 9999-01-01T00:00:00Z is not a date"),
        ("name: Nightly batches", f"name: {'x' * 101}", "9: A task's name has at most 100"),
    ],
)
def test_file_and_form_refuse_the_same(before: str, after: str, message: str) -> None:
    found = problems(changed(before, after))
    assert any(problem.startswith(message) for problem in found), found


@needs_database
def test_client_id_is_needed_without_a_default() -> None:
    [problem] = problems(changed("    client_id: 11111111-2222-3333-4444-555555555555\n", ""))
    assert problem.startswith("2: ConnectWise answers nobody without a Client ID")


@needs_database
def test_too_many_conditions_are_refused() -> None:
    row = "      - {field: id, comparison: Equal, value: 1}\n"
    found = problems(EXAMPLE[: EXAMPLE.index("      - {field")] + row * 101)
    assert found[0].startswith("17: A task takes at most 100 conditions.")
