"""The outbox and the preview of messages (N3, N4)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Message, Task, record_event
from exports.models.codes import EventCode
from exports.notifications.samples import SHOWN
from exports.notifications.sending import send_messages
from exports.views import messages
from tests.notifications.conftest import hook, hook_channel
from tests.notifications.sinks import WebSink

__all__ = ["hook"]

pytestmark = pytest.mark.django_db

LIST = reverse("message-list")


def shown(client: Client, query: str = "") -> str:
    return client.get(f"{LIST}{query}").content.decode()


@pytest.mark.rule("N4")
def test_message_shows_state_and_answer(admin_client: Client, hook: WebSink, task: Task) -> None:
    assert "No message yet" in shown(admin_client)
    hook_channel(hook.url)
    hook.answers = [(500, {}, b"<title>Oops</title>")]
    record_event(EventCode.FAILED, task=task)

    assert "Waiting" in shown(admin_client)
    send_messages()
    failed = shown(admin_client)
    again = reverse("message-again", args=[Message.objects.get().pk])
    admin_client.post(again)
    hook_channel(hook.url, name="Other").delete()
    Message.objects.get().channel.record_sent()
    send_messages()

    assert "Oops" in failed
    assert "Next try" in failed
    assert "127.0.0.1 answered 200: ok" in shown(admin_client)


def test_sent_message_can_be_sent_again(admin_client: Client, hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    send_messages()

    admin_client.post(reverse("message-again", args=[Message.objects.get().pk]))
    send_messages()

    ids = [post[1]["webhook-id"] for post in hook.posts]
    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_filters_and_pages_stand_in_the_address(
    admin_client: Client, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "ROWS_A_PAGE", 1)
    channel = hook_channel("http://127.0.0.1:1")
    record_event(EventCode.FAILED, task=task)
    record_event(EventCode.RECOVERED, task=task)
    newest = Message.objects.latest("id")

    assert f"before={newest.pk}" in shown(admin_client, f"?channel={channel.pk}")
    assert "Failed: Nightly batches" in shown(admin_client, f"?before={newest.pk}")
    assert "No message matches" in shown(admin_client, "?state=sent")
    assert "Succeeded again" in shown(admin_client, "?state=nonsense&channel=x&before=-1")


def test_outbox_asks_the_same_for_many(
    admin_client: Client, task: Task, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(5):
        hook_channel("http://127.0.0.1:1", name=f"Hook {number}")
    record_event(EventCode.FAILED, task=task)

    with django_assert_max_num_queries(6):
        assert shown(admin_client).count("Failed: Nightly batches") == 5


@pytest.mark.rule("N3")
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_message_can_be_previewed(admin_client: Client, language: str) -> None:
    for code in SHOWN:
        query = {"event": code.value, "language": language}
        page = admin_client.get(reverse("message-preview"), query)
        letter = page.context["letter"]

        assert letter.subject.startswith("[cwexport] ")
        assert "%(" not in letter.subject + letter.text
        assert len(letter.paragraphs) >= 2
        for _label, text in page.context["wires"]:
            json.loads(text)


def test_preview_of_a_report_tells_of_a_run(admin_client: Client) -> None:
    page = admin_client.get(reverse("message-preview"), {"event": "report"})

    assert {("Batches", "352"), ("File", "nightly.xml")} <= set(page.context["letter"].facts)


def test_preview_of_nonsense_shows_a_failure(admin_client: Client) -> None:
    page = admin_client.get(reverse("message-preview"), {"event": "x", "language": "y"})

    assert "Nightly batches failed" in page.content.decode()
