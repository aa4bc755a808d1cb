"""What needs attention besides runs, each with the way to mend it."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import (
    Channel,
    Delivery,
    Destination,
    EventState,
    HousekeepingRound,
    Schedule,
    Task,
    Worker,
    Workflow,
    WorkflowRun,
)
from exports.reporting.notices import MAX_SHOWN, notice_count, notices
from tests.screen_fixtures import succeed

MakeTask = Callable[..., Task]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def let_all_fail(task: Task) -> None:
    """One notice of each kind."""
    Channel.objects.create(
        name="Ops", kind="email", failing_since=NOON, failure_code="x", failure="It is away."
    )
    folder = Destination.objects.export_folder()
    Delivery.objects.create(
        run=succeed(task),
        destination=folder,
        destination_name=folder.name,
        file_name="batches.xml",
        name_key="batches.xml",
        state=Delivery.State.FAILED,
        error_code="delivery.disk_full",
        error="No space left on device",
    )
    Schedule.objects.create(task=task, cron="0 6 * * *", zone="UTC", missed_due_at=NOON)
    Task.objects.filter(pk=task.pk).update(overdue_since=NOON)
    workflow = Workflow.objects.create(name="Month end")
    for status in ("succeeded", "failed"):
        WorkflowRun.objects.create(
            workflow=workflow,
            workflow_name=workflow.name,
            trigger=WorkflowRun.Trigger.MANUAL,
            status=status,
            finished_at=NOON,
            error="Step 2 failed.",
            error_code="workflow.step_failed",
        )
    HousekeepingRound.objects.create(
        trigger="daily", status="failed", queued_at=NOON, finished_at=NOON, error="It was refused."
    )
    EventState.objects.create(subject="disk:/srv/exports", state="nearly_full", since=NOON)
    Worker.objects.see("worker-1", 1)
    Worker.objects.update(host="far-away", secret_key_mark="another")


def test_each_kind_names_its_cure(make_task: MakeTask, signed_in: Client) -> None:
    let_all_fail(make_task())
    all_found = notices()
    found = {notice.word: notice for notice in all_found}
    assert set(found) == {
        "Not sent",
        "Not delivered",
        "Missed",
        "Overdue",
        "Failed",
        "Disk",
        "Differs",
    }
    assert [notice.name for notice in all_found].count("Housekeeping") == 1
    assert found["Not sent"].sentence == "Messages do not get out: It is away."
    assert found["Disk"].name == "/srv/exports"
    assert "2026-03-01 12:00:00" in found["Missed"].sentence
    assert any(notice.name.endswith("Month end") for notice in all_found)
    assert notice_count() == 8

    page = unescape(signed_in.get(reverse("home")).content.decode())
    for notice in all_found:
        assert notice.sentence in page
        assert f'href="{notice.url}"' in page


def test_calm_installation_costs_one_query(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert notices() == []
    with django_assert_num_queries(1):
        assert notice_count() == 0


@pytest.mark.usefixtures("signed_in")
def test_recovery_ends_a_notice(make_task: MakeTask) -> None:
    let_all_fail(make_task())
    Channel.objects.update(failing_since=None)
    Delivery.objects.update(state=Delivery.State.DELIVERED)
    Schedule.objects.update(missed_due_at=None)
    Task.objects.update(overdue_since=None)
    WorkflowRun.objects.create(
        workflow=Workflow.objects.get(), workflow_name="Month end", trigger="manual"
    )
    EventState.objects.update(state="ok")
    Worker.objects.all().delete()
    HousekeepingRound.objects.create(trigger="daily", status="succeeded", queued_at=NOON)
    assert notices() == []


@pytest.mark.usefixtures("signed_in")
def test_many_of_a_kind_are_cut(db: None) -> None:
    for number in range(5):
        Channel.objects.create(
            name=f"{number}", kind="email", failing_since=NOON, failure_code="x", failure="Away."
        )
    assert len(notices()) == MAX_SHOWN
    assert notice_count() == 5
