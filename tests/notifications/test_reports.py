"""Reports of runs: when, with which files, and what they never do (N5)."""

import pytest
from pytest_django import Settings

from exports.demo.faults import Status
from exports.demo.server import StandIn
from exports.models import Message, Run, Task, Workflow
from exports.models.events import record_workflow_end
from exports.notifications import attachments
from exports.notifications.sending import send_messages
from tests.conftest import MakeTask, run_now
from tests.notifications.conftest import hook_channel, mail_channel
from tests.notifications.sinks import MailSink, WebSink

pytestmark = pytest.mark.django_db


def reported(make_task: MakeTask, report: str, **fields: object) -> Task:
    channel = mail_channel()
    channel.subscribe([])
    return make_task(report=report, report_channel=channel, **fields)


@pytest.mark.rule("N5")
def test_report_takes_log_and_file(mails: MailSink, make_task: MakeTask) -> None:
    task = reported(make_task, "always", report_with_log=True, report_with_file=True)

    run = run_now(task)
    send_messages()

    [mail] = mails.mails
    assert mail["Subject"] == "[cwexport] Report: Nightly batches succeeded"
    attached = {part.get_filename(): part for part in mail.iter_attachments()}  # type: ignore[attr-defined]
    assert set(attached) == {f"run-{run.pk}.log", "batches.xml"}
    content = attached["batches.xml"].get_content()
    assert len(content) == run.file_size
    text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "Batches: 120" in text
    assert run.file_sha256 in text


def test_large_file_is_left_out(
    mails: MailSink, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "LARGEST_FILE", 100)
    task = reported(make_task, "always", report_with_file=True)

    run_now(task)
    send_messages()

    assert list(mails.mails[0].iter_attachments()) == []  # type: ignore[attr-defined]
    assert "files may have 5 MB" in mails.mails[0].get_body(("plain",)).get_content()  # type: ignore[attr-defined]


@pytest.mark.rule("N5")
@pytest.mark.parametrize(("report", "count"), [("never", 0), ("on_failure", 2), ("always", 4)])
def test_report_follows_its_setting(
    make_task: MakeTask, stand_in: StandIn, report: str, count: int
) -> None:
    task = reported(make_task, report)

    run_now(task)
    with stand_in.faults.on(Status(403)):
        run_now(task)
        run_now(task)
    run_now(task)

    assert Message.objects.count() == count
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded", "failed"}


def test_other_kinds_say_where_the_file_is(hook: WebSink, make_task: MakeTask) -> None:
    channel = hook_channel(hook.url)
    channel.subscribe([])
    run_now(make_task(report="always", report_channel=channel, report_with_file=True))

    send_messages()

    assert b"on the run's page" in hook.posts[0][2]
    assert b'"result":"succeeded"' in hook.posts[0][2]


@pytest.mark.rule("N5")
def test_workflow_is_reported(mails: MailSink, settings: Settings) -> None:
    settings.CWEXPORT_PUBLIC_URL = "https://cw.example.com"
    channel = mail_channel()
    channel.subscribe([])
    workflow = Workflow.objects.create(name="Month end", report="always", report_channel=channel)
    workflow_run = workflow.runs.create(workflow_name="Month end", trigger="manual")

    record_workflow_end(workflow_run, has_failed=True, reason="Step 1 failed.")
    send_messages()

    [mail] = mails.mails
    assert mail["Subject"] == "[cwexport] Report: the workflow Month end failed"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "Step 1 failed." in text
    assert f"/workflow-runs/{workflow_run.pk}/" in text
