"""The report's fields on the forms of tasks and workflows (N5)."""

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Task
from tests.notifications.conftest import mail_channel

pytestmark = pytest.mark.django_db


def edit(client: Client, task: Task, **typed: str) -> str:
    address = reverse("task-edit", args=[task.pk])
    form = client.get(address).context["form"]
    values = {name: form[name].value() for name in form.fields}
    kept = {name: value for name, value in values.items() if value not in (None, False)}
    rows = {"conditions-TOTAL_FORMS": "0", "conditions-INITIAL_FORMS": "0"}
    answer = client.post(address, {**kept, **rows, **typed}, follow=True)
    return answer.content.decode()


@pytest.mark.rule("N5")
def test_task_form_sets_report(admin_client: Client, task: Task) -> None:
    channel = mail_channel()

    edit(admin_client, task, report="always", report_channel=str(channel.pk), report_with_log="on")

    task.refresh_from_db()
    assert (task.report, task.report_channel, task.report_with_log) == ("always", channel, True)
    shown = admin_client.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert "After every run" in shown


def test_report_needs_a_channel(admin_client: Client, task: Task) -> None:
    assert "Choose the channel that gets the report." in edit(admin_client, task, report="always")
    task.refresh_from_db()
    assert task.report == "never"


def test_channel_with_reports_is_kept(admin_client: Client, task: Task) -> None:
    channel = mail_channel()
    Task.objects.filter(pk=task.pk).update(report="always", report_channel=channel)

    answer = admin_client.post(reverse("channel-delete", args=[channel.pk]))

    assert answer.status_code == 409
    assert "cannot be deleted while reports go to it" in answer.content.decode()
