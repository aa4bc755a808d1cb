"""Whatever was open in a restored database is closed and told; nothing starts by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from exports.backups.settling import is_unsettled, mark_statement, settle
from exports.delivery.sending import send_due
from exports.models import (
    AuditEntry,
    Delivery,
    DueTime,
    Installation,
    LoginSession,
    Run,
    StepRun,
    Task,
    Worker,
    Workflow,
    WorkflowRun,
)
from exports.models.errors import RestoredError
from exports.storage.folders import folder_for
from exports.workers import jobs, recovery
from exports.workers.workflow_jobs import start_workflow
from tests.conftest import MakeTask, run_now
from tests.schedules.schedules import at, due_times, make_schedule, tick_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("B3")]

MADE_AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


def settle_now(made_at: datetime = MADE_AT) -> None:
    with database.cursor() as cursor:
        cursor.execute(mark_statement(made_at))
    assert is_unsettled()
    settle()
    assert not is_unsettled()


def test_active_runs_end_without_a_follower(make_task: MakeTask) -> None:
    following = make_task(name="Following", output_file="f.xml")
    task = make_task(on_failure_task=following)
    queued = make_task(name="Queued", output_file="q.xml").queue_run(Run.Trigger.MANUAL)
    running = jobs.queue_run(task, Run.Trigger.MANUAL)
    assert running.claim("a worker of that time")
    Worker.objects.see("a worker of that time", 1)

    settle_now()
    recovery.recover(is_thorough=True)

    ended = Run.objects.order_by("pk").values_list("pk", "status", "error_code")
    assert set(ended) == {(run.pk, "failed", "run.restored") for run in (queued, running)}
    assert not Worker.objects.exists()


def test_open_delivery_is_not_sent_by_itself(task: Task) -> None:
    run = jobs.queue_run(task, Run.Trigger.MANUAL)
    jobs.execute_here(run.pk, run.attempt)
    delivery = Delivery.objects.get()
    assert delivery.state == "waiting"

    settle_now()
    send_due()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.error_code) == ("failed", "delivery.restored")
    assert not any(folder_for("exports").iterdir())


def test_active_workflow_ends_with_its_steps(task: Task) -> None:
    workflow = Workflow.objects.create(name="Month end")
    workflow.replace_steps([task, task])
    start_workflow(workflow, WorkflowRun.Trigger.MANUAL)

    settle_now()

    assert WorkflowRun.objects.get().status == "failed"
    states = StepRun.objects.order_by("position").values_list("state", flat=True)
    assert list(states) == ["failed", "not_started"]


def test_schedules_wait_for_a_confirmation(task: Task) -> None:
    other = Workflow.objects.create(name="Month end")
    other.replace_steps([task])
    of_task = make_schedule(task, "0 7 * * *", at("2026-03-01 06:30"))
    of_workflow = make_schedule(other, "0 8 * * *", at("2026-03-01 06:30"))
    settle_now()

    tick_at("2026-03-01 07:00")
    tick_at("2026-03-01 08:00")

    assert due_times(of_task) == [("03-01 07:00", "refused")]
    assert due_times(of_workflow) == [("03-01 08:00", "refused")]
    assert {*DueTime.objects.values_list("reason_code", flat=True)} == {"due.restored"}
    assert not Run.objects.exists()

    assert Installation.objects.confirm_restore("Admin1", timezone.now())
    tick_at("2026-03-02 07:00")
    assert due_times(of_task)[-1] == ("03-02 07:00", "fired")


def test_programs_are_refused_but_not_a_person(task: Task) -> None:
    settle_now()

    for trigger in Run.Trigger.values:
        with pytest.raises(RestoredError, match="2026-03-01 06:00"):
            task.queue_run(trigger)
    assert task.queue_run(Run.Trigger.MANUAL, is_despite_restore=True).pk


def test_everybody_is_logged_out(client: Client) -> None:
    client.force_login(User.objects.create_user("Admin1"))
    assert LoginSession.objects.exists()

    settle_now()

    assert not LoginSession.objects.exists()


def test_numbers_of_later_files_are_left_out(task: Task) -> None:
    run = run_now(task)
    later = folder_for("orphaned") / "run-5000-1-0a1b2c3d.xml"
    later.write_text("<Batches />")
    made_at = timezone.now() - timedelta(days=2)

    settle_now(made_at)

    following = task.queue_run(Run.Trigger.MANUAL, is_despite_restore=True)
    assert following.pk > 6000
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_restore_and_confirmation_are_in_the_audit_log(db: None) -> None:
    settle_now()
    Installation.objects.confirm_restore("Admin1", timezone.now())
    assert not Installation.objects.confirm_restore("Admin2", timezone.now())

    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["backup.restored", "restore.confirmed"]
    assert Installation.objects.get().restore_confirmed_by == "Admin1"
