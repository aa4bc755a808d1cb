"""Workflows in the configuration file: loaded, dumped, and refused at the line."""

import pytest

from exports import configuration
from exports.configuration import Outcome
from exports.models import Channel, Schedule, Task, Workflow
from tests.configuration.example import EXAMPLE, changed, load, problems

pytestmark = pytest.mark.django_db

INVOICES = """\
  - {name: Invoices, connection: Acme, export: all, output_file: invoices.xml}
"""
WORKFLOWS = """\
workflows:
  - name: Month end
    steps: [Nightly batches, Invoices, Nightly batches]
    can_resume_from_failure: false
"""
TEXT = EXAMPLE + INVOICES + WORKFLOWS
FIRST_LINE = TEXT[: TEXT.index("workflows:")].count("\n") + 1


def steps() -> list[str]:
    return [task.name for task in Workflow.objects.get().tasks()]


@pytest.mark.rule("K1")
def test_file_makes_a_workflow_of_its_tasks() -> None:
    loaded = load(TEXT)

    assert loaded.outcomes[-1] == Outcome("workflow", "Month end", is_new=True, changes=())
    workflow = Workflow.objects.get()
    assert steps() == ["Nightly batches", "Invoices", "Nightly batches"]
    assert (workflow.enabled, workflow.can_resume_from_failure) == (True, False)
    assert workflow.updated_by == "load_config"


def test_second_load_changes_what_differs() -> None:
    load(TEXT)
    assert load(TEXT).outcomes[-1].changes == ()
    Workflow.objects.update(enabled=False)
    shorter = changed("[Nightly batches, Invoices, Nightly batches]", "[Invoices]", TEXT)
    shorter = changed("    can_resume_from_failure: false\n", "", shorter)

    assert load(shorter).outcomes[-1].changes == (
        "can_resume_from_failure: false → true",
        "steps: Nightly batches, Invoices, Nightly batches → Invoices",
    )
    assert (steps(), Workflow.objects.get().enabled) == (["Invoices"], False)


def test_check_saves_no_workflow() -> None:
    assert load(TEXT, is_check=True).outcomes[-1].is_new
    assert not Workflow.objects.exists()


def test_dumped_file_loads_unchanged() -> None:
    load(TEXT)
    dumped = configuration.current_configuration()
    assert "workflows:\n  - name: Month end\n    steps:\n      - Nightly batches\n" in dumped
    assert all(not outcome.changes for outcome in load(dumped).outcomes)
    Workflow.objects.get().archive()
    assert "workflows" not in configuration.current_configuration()


@pytest.mark.parametrize(
    ("before", "after", "line", "sentence"),
    [
        ("Invoices, N", "Invoice, N", 2, "There is no task Invoice. Did you mean Invoices?"),
        (
            "[Nightly batches, Invoices, Nightly batches]",
            "\n      - Invoices\n      - Nigtly batches",
            4,
            "There is no task Nigtly batches. Did you mean Nightly batches?",
        ),
        ("[Nightly batches, Invoices, Nightly batches]", "[]", 2, "at least one step"),
        ("[Nightly batches, Invoices, Nightly batches]", "Invoices", 2, "write a list of names"),
        ("Invoices, N", "[Invoices], N", 2, "write names, nothing else"),
        ("name: Month end", "name: ''", 1, "The workflow needs a name"),
        ("can_resume_from_failure: false", "resume: no", 3, "resume is not a key of a workflow."),
        ("    steps: [Nightly batches, Invoices, Nightly batches]\n", "", 1, "needs the key steps"),
        ("Nightly batches]", "Nightly batches" + ", Invoices" * 20 + "]", 2, "at most 20 steps"),
    ],
)
def test_error_stands_at_its_line(before: str, after: str, line: int, sentence: str) -> None:
    found = problems(TEXT.replace(before, after) if before in WORKFLOWS else TEXT)
    assert len(found) == 1, found
    assert found[0].startswith(f"{FIRST_LINE + line}: ")
    assert sentence in found[0]


def test_wrong_task_is_reported_once() -> None:
    found = problems(changed("export: all", "export: everything", TEXT))
    assert len(found) == 1
    assert "Modified, New or All" in found[0]


def test_repeated_and_archived_names_are_refused() -> None:
    again = WORKFLOWS.removeprefix("workflows:\n")
    assert "Month end is the name of the workflow on line" in problems(TEXT + again)[0]

    load(TEXT)
    Workflow.objects.get().archive()
    Task.objects.get(name="Invoices").archive()
    text = changed("name: Month end", "name: Year end", EXAMPLE + WORKFLOWS)
    assert problems(text)[0].endswith("Invoices is archived: restore it, or leave it out.")
    found = problems(EXAMPLE + WORKFLOWS)
    assert found[0].endswith("Month end is archived: restore it or take another name.")


@pytest.mark.rule("N5")
def test_workflow_keeps_its_report_in_the_file() -> None:
    load(TEXT)
    workflow = Workflow.objects.get()
    workflow.report_channel = Channel.objects.create(name="Hook", kind="webhook")
    workflow.report, workflow.report_with_log = "always", True
    workflow.save()
    text = configuration.current_configuration()
    Workflow.objects.update(report="never", report_channel=None, report_with_log=False)

    assert "report: always\n    report_channel: Hook\n    report_with_log: true" in text
    assert load(text[: text.index("channels:")]).outcomes[-1].changes == (
        "report: never → always",
        "report_channel: none → Hook",
        "report_with_log: false → true",
    )
    wrong = changed(
        "report_channel: Hook", "report_channel: Hoook", text[: text.index("channels:")]
    )
    assert [problem.partition(": ")[2] for problem in problems(wrong)] == [
        "There is no channel Hoook. Did you mean Hook?"
    ]


def test_workflow_without_open_steps_is_not_written() -> None:
    load(TEXT)
    workflow = Workflow.objects.get()
    Schedule.objects.create(workflow=workflow, cron="0 6 * * *", zone="UTC")
    for task in Task.objects.all():
        task.archive()
    text = configuration.current_configuration()

    assert "Month end" not in text
    assert load(text).outcomes == load(text).outcomes
