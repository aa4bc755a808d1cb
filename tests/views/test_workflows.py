"""The pages of workflows: list, form, page, and the buttons on them."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Run, Schedule, Task, Workflow, WorkflowRun
from exports.workers.workflow_jobs import start_workflow
from tests.views.connection_pages import messages_of
from tests.workflows.conftest import end_run, fresh, start

MakeTask = Callable[..., Task]
NEW = "/workflows/new/"


@pytest.fixture
def tasks(make_task: MakeTask) -> list[Task]:
    return [make_task(name=name, output_file=f"{name}.xml") for name in ("First", "Second")]


@pytest.fixture
def workflow(tasks: list[Task]) -> Workflow:
    made = Workflow.objects.create(name="Month end")
    made.replace_steps(tasks)
    return made


def typed(tasks: Iterable[Task], **changes: Any) -> dict[str, Any]:
    values = {"name": "Month end", "enabled": "on", "can_resume_from_failure": "on"}
    return {**values, "step": [task.pk for task in tasks], **changes}


def page_of(client: Client, path: str, data: dict[str, Any] | None = None) -> str:
    answer = client.get(path) if data is None else client.post(path, data)
    assert answer.status_code == 200
    return answer.content.decode()


def shown_steps(page: str) -> list[str]:
    return re.findall(r'name="step" value="([^"]*)"', page)


@pytest.mark.rule("K1")
def test_form_saves_the_steps_in_order(signed_in: Client, tasks: list[Task]) -> None:
    first, second = tasks
    answer = signed_in.post(NEW, typed([second, first, second]))

    workflow = Workflow.objects.get()
    assert answer["Location"] == reverse("workflow-detail", args=[workflow.pk])
    assert workflow.tasks() == [second, first, second]
    assert workflow.updated_by == "Admin1"
    page = page_of(signed_in, answer["Location"])
    assert "Month end was saved." in page
    assert page.index("Second") < page.index("First")


def test_chosen_task_is_added_on_saving(signed_in: Client, tasks: list[Task]) -> None:
    """Whoever forgets to press Add step still gets what they see."""
    signed_in.post(NEW, typed(tasks[:1], added_task=tasks[1].pk))
    assert Workflow.objects.get().tasks() == tasks


@pytest.mark.parametrize(
    ("action", "order"),
    [
        ("up-1", [1, 0]),
        ("down-0", [1, 0]),
        ("up-0", [0, 1]),
        ("down-1", [0, 1]),
        ("remove-0", [1]),
        ("add", [0, 1, 0]),
        ("show", [0, 1]),
        ("up-99999999999999999999", [0, 1]),
        ("nonsense-1", [0, 1]),
        ("", [0, 1]),
    ],
)
def test_row_buttons_change_only_the_rows(
    signed_in: Client, tasks: list[Task], action: str, order: list[int]
) -> None:
    sent = typed(tasks, row_action=action, name="Not saved")
    if action == "add":
        sent["added_task"] = tasks[0].pk
    wanted = [str(tasks[number].pk) for number in order]

    assert shown_steps(page_of(signed_in, reverse("workflow-steps"), sent)) == wanted
    page = page_of(signed_in, NEW, sent)
    assert shown_steps(page) == wanted
    assert 'value="Not saved"' in page
    assert not Workflow.objects.exists()


def test_moved_button_keeps_the_focus(signed_in: Client, make_task: MakeTask) -> None:
    three = [make_task(name=name, output_file=f"{name}.xml") for name in "ABC"]
    sent = typed(three, row_action="down-0")
    page = page_of(signed_in, reverse("workflow-steps"), sent)
    focused = re.search(r'value="(\w+-\d)"[^>]*autofocus', page)
    assert focused is not None
    assert focused[1] == "down-1"
    assert "Step 1 is now step 2 of 3." in page

    at_end = page_of(signed_in, reverse("workflow-steps"), typed(three, row_action="up-1"))
    focused = re.search(r'value="(\w+-\d)"[^>]*autofocus', at_end)
    assert focused is not None
    assert focused[1] == "down-0"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"step": []}, "A workflow needs at least one step. Choose a task and add it."),
        ({"step": ["999"]}, "This task was deleted. Remove the step."),
        ({"step": ["-1", "9" * 40]}, "No task is called “-1”: write its whole name."),
        ({"step": ["x"]}, "No task is called “x”: write its whole name."),
        ({"name": ""}, "The workflow needs a name, e.g. Month end."),
        ({"name": "Taken"}, "Another workflow has this name, perhaps an archived one."),
        ({"name": "a\u200bb"}, "Remove the invisible characters."),
        ({"name": "x" * 101}, "has at most 100 characters, this one has 101"),
    ],
)
def test_bad_input_is_said_and_kept(
    signed_in: Client, tasks: list[Task], changes: dict[str, Any], sentence: str
) -> None:
    Workflow.objects.create(name="Taken")
    page = page_of(signed_in, NEW, typed(tasks, **changes))

    assert sentence in page.replace("&#x27;", "'")
    assert "Nothing was saved yet" in page
    assert Workflow.objects.count() == 1
    if "step" not in changes:
        assert shown_steps(page) == [str(task.pk) for task in tasks]


@pytest.mark.rule("K1")
def test_more_than_twenty_steps_are_refused(signed_in: Client, tasks: list[Task]) -> None:
    page = page_of(signed_in, NEW, typed(tasks[:1] * 21))
    assert "A workflow has at most 20 steps, these are 21. Remove some." in page

    full = typed(tasks[:1] * 20, row_action="add", added_task=tasks[0].pk)
    page = page_of(signed_in, reverse("workflow-steps"), full)
    assert len(shown_steps(page)) == 20
    assert "A workflow has at most 20 steps." in page
    assert len(shown_steps(page_of(signed_in, NEW, typed(tasks[:1] * 900)))) == 30


def test_second_editor_keeps_the_first_ones_steps(
    signed_in: Client, workflow: Workflow, tasks: list[Task]
) -> None:
    edit = reverse("workflow-edit", args=[workflow.pk])
    opened = re.search(r'name="opened_with" value="([^"]+)"', page_of(signed_in, edit))
    assert opened is not None
    signed_in.post(edit, typed(tasks[::-1], opened_with=opened[1]))

    answer = signed_in.post(edit, typed(tasks, opened_with=opened[1], name="Year end"))
    workflow.refresh_from_db()
    assert (workflow.name, workflow.tasks()) == ("Year end", tasks[::-1])
    assert "changed Steps from First → Second to Second → First" in messages_of(answer)[-1]

    page = page_of(signed_in, edit, typed(tasks[:1], opened_with=opened[1], name="Year end"))
    assert "You typed First. Save again to set that" in page
    assert workflow.tasks() == tasks[::-1]


def test_form_of_deleted_workflow_keeps_what_was_typed(
    signed_in: Client, workflow: Workflow, tasks: list[Task]
) -> None:
    edit = reverse("workflow-edit", args=[workflow.pk])
    workflow.delete()
    page = page_of(signed_in, edit, typed(tasks))
    assert "Somebody deleted this workflow meanwhile." in page
    assert shown_steps(page) == [str(task.pk) for task in tasks]
    assert f'action="{NEW}"' in page


@pytest.mark.rule("K1")
def test_run_now_leads_to_the_one_run(signed_in: Client, workflow: Workflow) -> None:
    run = reverse("workflow-start", args=[workflow.pk])
    first, second = signed_in.post(run), signed_in.post(run)

    made = WorkflowRun.objects.get()
    assert first["Location"] == second["Location"] == f"/workflow-runs/{made.pk}/"
    assert str(made.requested_by) == "Admin1"
    assert Run.objects.get().requested_by == made.requested_by
    page = page_of(signed_in, first["Location"])
    assert f"Month end is already running: this is Workflow run {made.pk} of Month end." in page


def test_unusable_workflow_says_why(signed_in: Client, workflow: Workflow) -> None:
    Workflow.objects.update(enabled=False)
    answer = signed_in.post(reverse("workflow-start", args=[workflow.pk]))
    assert answer["Location"] == reverse("workflow-detail", args=[workflow.pk])
    assert "Month end is disabled. Enable it on its form to run it." in messages_of(answer)[0]


def test_archive_delete_and_restore(signed_in: Client, workflow: Workflow) -> None:
    button = reverse("workflow-archive", args=[workflow.pk])
    run = start(workflow)
    assert (
        "is not over yet. Cancel it, then archive again." in messages_of(signed_in.post(button))[0]
    )
    run.cancel()
    run.finish("cancelled")

    signed_in.post(button)
    page = page_of(signed_in, reverse("workflow-list"))
    assert "1 archived workflow" in page
    edit = signed_in.get(reverse("workflow-edit", args=[workflow.pk]))
    assert edit["Location"] == reverse("workflow-detail", args=[workflow.pk])
    signed_in.post(button)
    workflow.refresh_from_db()
    assert (workflow.archived_at, workflow.enabled) == (None, False)

    other = Workflow.objects.create(name="Never ran")
    answer = signed_in.post(reverse("workflow-archive", args=[other.pk]))
    assert answer["Location"] == reverse("workflow-list")
    assert not Workflow.objects.filter(pk=other.pk).exists()


def test_task_page_names_its_workflows(signed_in: Client, workflow: Workflow) -> None:
    task = workflow.tasks()[0]
    workflow.replace_steps([task, task])
    page = page_of(signed_in, reverse("task-detail", args=[task.pk]))
    assert page.count(f'href="/workflows/{workflow.pk}/">Month end</a>') == 1


def test_workflow_page_shows_its_schedules(signed_in: Client, workflow: Workflow) -> None:
    """A workflow with a schedule is archived, not deleted: its due times are history."""
    page = page_of(signed_in, reverse("workflow-detail", args=[workflow.pk]))
    assert f"{reverse('schedule-create')}?workflow={workflow.pk}" in page
    schedule = Schedule.objects.create(workflow=workflow, cron="30 6 * * *", zone="Europe/Berlin")
    page = page_of(signed_in, reverse("workflow-detail", args=[workflow.pk]))
    assert reverse("schedule-detail", args=[schedule.pk]) in page
    assert "Europe/Berlin" in page

    signed_in.post(reverse("workflow-archive", args=[workflow.pk]))
    workflow.refresh_from_db()
    assert workflow.archived_at is not None


def test_list_shows_steps_results_and_resume(signed_in: Client, workflow: Workflow) -> None:
    assert "Never ran" in page_of(signed_in, "/workflows/")
    run = start(workflow)
    page = page_of(signed_in, "/workflows/")
    assert "Step 1, First" in page
    assert f"/workflow-runs/{run.pk}/" in page
    end_run("failed")
    page = page_of(signed_in, "/workflows/")
    assert "Step 1, First, failed. ConnectWise refused." in page
    assert reverse("workflow-run-resume", args=[run.pk]) in page


def test_list_needs_few_queries(
    signed_in: Client, tasks: list[Task], django_assert_max_num_queries: Any
) -> None:
    def add(count: int) -> None:
        for _number in range(count):
            made = Workflow.objects.create(name=f"Workflow {Workflow.objects.count()}")
            made.replace_steps(tasks)
            start_workflow(made, "manual")

    add(2)
    signed_in.get("/workflows/")
    with django_assert_max_num_queries(50) as few:
        signed_in.get("/workflows/")
    add(10)
    with django_assert_max_num_queries(len(few)):
        signed_in.get("/workflows/")


def test_all_runs_are_listed_in_pages(signed_in: Client, workflow: Workflow) -> None:
    for _number in range(25):
        workflow.queue_run("manual").finish("cancelled")
    page = page_of(signed_in, reverse("workflow-detail", args=[workflow.pk]))
    every = reverse("workflow-runs", args=[workflow.pk])
    assert every in page
    older = re.search(r'href="([^"]+before=\d+)"', page_of(signed_in, every))
    assert older is not None
    assert page_of(signed_in, older[1]).count('href="/workflow-runs/') == 5
    assert "No runs here." in page_of(signed_in, f"{every}?before=1")
    assert page_of(signed_in, f"{every}?before=x").count('href="/workflow-runs/') == 20


@pytest.mark.rule("K4")
def test_run_page_shows_steps_with_their_runs(signed_in: Client, workflow: Workflow) -> None:
    run = start(workflow)
    address = reverse("workflow-run-detail", args=[run.pk])
    page = page_of(signed_in, address)
    assert "Step 1 of 2, First, is running." in page or "No worker is alive" in page
    assert 'hx-trigger="every 2s"' in page
    end_run("succeeded")
    end_run("failed")

    page = page_of(signed_in, address)
    step_runs = list(Run.objects.order_by("id"))
    assert [f'href="/runs/{one.pk}/"' in page for one in step_runs] == [True, True]
    assert "3 batches" in page
    assert "Step 2, Second, failed. ConnectWise refused." in page
    assert "every 2s" not in page
    polled = page_of(signed_in, reverse("workflow-run-progress", args=[run.pk]))
    assert f"Workflow run {run.pk} of Month end: Failed." in polled
    step = page_of(signed_in, reverse("run-detail", args=[step_runs[1].pk]))
    assert re.search(rf'Step 2 of <a href="{address}">workflow run {run.pk}</a> of Month end', step)


@pytest.mark.rule("K3")
def test_resume_button_goes_on_at_the_failed_step(signed_in: Client, workflow: Workflow) -> None:
    failed = start(workflow)
    end_run("succeeded")
    end_run("failed")
    answer = signed_in.post(reverse("workflow-run-resume", args=[failed.pk]))

    resumed = WorkflowRun.objects.latest("id")
    assert answer["Location"] == reverse("workflow-run-detail", args=[resumed.pk])
    page = page_of(signed_in, answer["Location"])
    assert "Kept from the run that was resumed." in page
    before = page_of(signed_in, reverse("workflow-run-detail", args=[failed.pk]))
    assert "It was resumed by" in before
    assert ">Resume<" not in before
    end_run("succeeded")
    refused = signed_in.post(reverse("workflow-run-resume", args=[failed.pk]))
    assert "has run since" in messages_of(refused)[-1]


@pytest.mark.rule("K4")
def test_cancel_button_ends_the_workflow(signed_in: Client, workflow: Workflow) -> None:
    run = start(workflow)
    assert Run.objects.get().claim("worker")
    button = reverse("workflow-run-cancel", args=[run.pk])
    polled = signed_in.post(button, headers={"HX-Request": "true"}).content.decode()
    assert "Cancelling…" in polled
    assert fresh(run).is_active
    Run.objects.get().finish_cancelled("worker")
    answer = signed_in.post(button)
    assert "was over already" in messages_of(answer)[-1] or fresh(run).status == "cancelled"
    page = page_of(signed_in, reverse("workflow-run-detail", args=[run.pk]))
    assert "It was cancelled by Admin1." in page


@pytest.mark.rule("K2")
def test_waiting_step_links_to_blocking_run(
    signed_in: Client, workflow: Workflow, tasks: list[Task]
) -> None:
    elsewhere = tasks[0].queue_run(Run.Trigger.MANUAL)
    run = start(workflow)
    page = page_of(signed_in, reverse("workflow-run-detail", args=[run.pk]))
    assert "First is active elsewhere. This step starts when that run is over." in page
    assert f'href="/runs/{elsewhere.pk}/"' in page
