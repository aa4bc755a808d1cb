"""Each kind of channel tells its server in the shape that it reads (N1)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from exports.models import Channel, Event, Message, Task, record_event
from exports.models.codes import EventCode
from exports.notifications import kinds
from exports.notifications.kind import ChannelKind, Letter, Target
from exports.notifications.registry import all_kinds, find_kind
from exports.notifications.sending import send_messages
from tests.notifications.conftest import (
    SECRET,
    chat_channel,
    hook_channel,
    mail_channel,
)
from tests.notifications.sinks import MailSink, WebSink

pytestmark = pytest.mark.django_db


def tell(task: Task) -> None:
    record_event(EventCode.FAILED, task=task, reason="No answer from [here](http://evil).")
    send_messages()


@pytest.mark.rule("N1", "N3")
def test_mail_says_what_and_why(mails: MailSink, task: Task, settings: Settings) -> None:
    settings.CWEXPORT_PUBLIC_URL = "https://cw.example.com"
    mail_channel("anna@example.com\nbert@example.com")

    tell(task)

    [mail] = mails.mails
    assert mails.recipients == [["anna@example.com", "bert@example.com"]]
    assert mail["Subject"] == "[cwexport] Nightly batches failed"
    assert mail["From"] == "cwexport <cwexport@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    for part in (
        "Nothing was exported and no date moved.",
        "No answer from [here](http://evil).",
        "run the task again",
        "You are told again when it has succeeded",
        "Task: Nightly batches",
        f"When: {Event.objects.get().created_at:%Y-%m-%d %H:%M:%S} (UTC)",
        f"https://cw.example.com/tasks/{task.pk}/",
    ):
        assert part in text
    html = mail.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert f'<a href="https://cw.example.com/tasks/{task.pk}/">' in html
    message = Message.objects.get()
    assert (message.state, message.answer) == ("sent", "250 OK queued as 42")


def test_mail_is_written_in_the_channels_language(mails: MailSink, task: Task) -> None:
    mail_channel(language="de")
    record_event(EventCode.FAILED, task=task)

    send_messages()

    html = mails.mails[0].get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert '<html lang="de">' in html


def test_names_never_add_headers(mails: MailSink, task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(name="A\r\nBcc: x@example.com")
    task.refresh_from_db()
    mail_channel()

    tell(task)

    assert mails.mails[0]["Subject"] == "[cwexport] A Bcc: x@example.com failed"
    assert mails.recipients == [["anna@example.com"]]


@pytest.mark.rule("N1")
def test_hook_is_signed(hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)

    tell(task)

    [(path, headers, body)] = hook.posts
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    told = json.loads(body)
    assert (path, told["type"], told["data"]["task_id"]) == ("/told", "failed", task.pk)
    assert told["id"] == headers["webhook-id"]


def test_teams_gets_a_card_without_markup(hook: WebSink, task: Task) -> None:
    chat_channel("teams", hook.url)

    tell(task)

    content = json.loads(hook.posts[0][2])["attachments"][0]["content"]
    texts = [one["inlines"][0] for one in content["body"] if one["type"] == "RichTextBlock"]
    assert texts[0]["text"] == "[cwexport] Nightly batches failed"
    assert {one["type"] for one in texts} == {"TextRun"}


def test_old_teams_connector_reports_failure(hook: WebSink, task: Task) -> None:
    chat_channel("teams", hook.url)
    hook.answers = [(200, {}, b"Webhook message delivery failed with error: 429")]

    tell(task)

    assert Message.objects.get().error_code == "channel.refused"


def test_slack_gets_plain_text(hook: WebSink, task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(name="<!channel> & co")
    task.refresh_from_db()
    chat_channel("slack", hook.url)

    tell(task)

    told = json.loads(hook.posts[0][2])
    assert told["text"] == "[cwexport] &lt;!channel&gt; &amp; co failed"
    assert {block["text"]["type"] for block in told["blocks"]} == {"plain_text"}


PIGEON = """
from exports.notifications.kind import ChannelKind, FormField

FLOWN = []


class Pigeon(ChannelKind):
    code = "pigeon"
    label = "Pigeon"
    lead = "Slow."
    fields = (FormField("loft", "Loft"),)

    def where(self, settings):
        return settings["loft"]

    def send(self, target, letter):
        FLOWN.append((target.settings["loft"], letter.subject))
        return "coo"


KIND = Pigeon()
"""


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChannelKind:
    """One more kind: a module, and nothing else."""
    (tmp_path / "pigeon.py").write_text(PIGEON)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    found = find_kind("pigeon")
    assert found is not None
    return found


def test_kind_of_its_own_is_one_module(pigeon: ChannelKind, task: Task) -> None:
    channel = Channel.objects.create(name="Loft", kind="pigeon", settings={"loft": "roof"})
    channel.subscribe(["failed"])

    tell(task)

    assert pigeon in all_kinds()
    assert Message.objects.get().answer == "coo"


def test_every_kind_declares_its_fields() -> None:
    for kind in all_kinds():
        assert kind.fields
        assert str(kind.label)
        assert len({one.name for one in kind.fields}) == len(kind.fields)


def test_target_never_prints_secrets() -> None:
    values: Mapping[str, Any] = {}

    assert "hidden" not in repr(Target("Hook", values, {"secret": "hidden"}))
    assert "hidden" not in repr(Letter("1", "failed", "", "s", (), html="hidden"))
