"""Everything that is wrong is told at once, by line, and nothing is changed."""

import re

import pytest

from exports.configuration import Outcome
from exports.connectwise.batches import FieldType
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
    assert problems(text) == [
        "2: A connection needs the key public_key.",
        "3: A site starts with https:// or with the host itself, for example na.myconnectwise.net "
        "or cw.example.com:8443.",
        "5: public_kee is not a key of a connection. Did you mean public_key?",
        "6: client_id is a list: write one piece of text.",
        "7: Here a connection is plain text: write keys, like name: …",
        "10: conection is not a key of a task. Did you mean connection?",
        "11: There is no connection Acne. Did you mean Acme?",
        "12: export is modifed: write modified, new or all.",
        "13: date_created is tomorrow: write a date from 1753 to 9998, like 2020-01-01T00:00:00Z.",
        "14: page_size is many: write a whole number, like 1000.",
        "15: The output file is a name without folders that does not begin with a dot. Write a "
        "plain file name such as batches.xml or batches-{run}.xml.",
        "16: include_extra_fields is perhaps: write true or false.",
        "19: page_size cannot be used: Ensure this value is less than or equal to 1000.",
        "20: BATCHES.xml is the output file of the task Nightly batches already.",
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
        "2: On Failure Tasks run in a circle: B → A → B."
    ]
    assert problems("tasks:\n" + b % ", on_failure_task: B") == [
        "2: On Failure Tasks run in a circle: B → B."
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
