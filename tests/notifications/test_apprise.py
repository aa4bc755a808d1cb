"""Apprise, when switched on, calls the hosts of its channel and no others (N1, C6)."""

import subprocess
import sys

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.models import Channel, Message, Task, record_event
from exports.models.codes import EventCode
from exports.notifications.sending import send_messages
from tests.notifications.sinks import WebSink, web_sink
from tests.processes import ROOT, environment

SEND = "from exports.notifications.sending import send_messages; send_messages()"

pytestmark = pytest.mark.django_db


def apprise_channel(hook: WebSink, query: str = "") -> Channel:
    host = hook.url.removeprefix("http://")
    channel = Channel(name="Pager", kind="apprise", settings={"hosts": host})
    channel.write_secrets({"url": f"json://anna:very-secret-word@{host}/told{query}"})
    channel.save()
    channel.subscribe(["failed"])
    return channel


def send_in_a_process(task: Task) -> Message:
    """As a worker does, behind the fence."""
    record_event(EventCode.FAILED, task=task)
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", SEND],
        cwd=ROOT,
        env=environment(CWEXPORT_APPRISE="on"),
        check=True,
        capture_output=True,
    )
    return Message.objects.get()


@pytest.mark.rule("N1")
@pytest.mark.django_db(transaction=True)
def test_named_host_is_told(hook: WebSink, task: Task) -> None:
    apprise_channel(hook)

    message = send_in_a_process(task)

    assert (message.state, message.answer) == ("sent", "JSON took it.")
    assert b"Nightly batches failed" in hook.posts[0][2]


@pytest.mark.rule("N1", "C6")
@pytest.mark.django_db(transaction=True)
def test_redirect_elsewhere_is_not_followed(hook: WebSink, task: Task) -> None:
    with web_sink() as other:
        hook.answers = [(307, {"Location": f"{other.url}/elsewhere"}, b"")]
        channel = apprise_channel(hook, "?redirect=yes")

        message = send_in_a_process(task)

        assert other.posts == []
    channel.refresh_from_db()
    assert (message.state, message.error_code) == ("waiting", "channel.refused")
    assert "JSON did not take it" in str(channel.failure)
    assert "very-secret-word" not in str(channel.failure)


def test_switched_off_it_says_so(hook: WebSink, task: Task, admin_client: Client) -> None:
    apprise_channel(hook)
    record_event(EventCode.FAILED, task=task)

    send_messages()

    assert Message.objects.get().error_code == "channel.not_set_up"
    assert hook.posts == []
    page = admin_client.get(reverse("channel-create", args=["apprise"])).content.decode()
    assert "CWEXPORT_APPRISE=on" in page


def test_without_the_fence_nothing_is_sent(hook: WebSink, task: Task, settings: Settings) -> None:
    settings.CWEXPORT_APPRISE = True
    apprise_channel(hook)
    record_event(EventCode.FAILED, task=task)

    send_messages()

    assert "behind the fence" in str(Message.objects.get().error)
    assert hook.posts == []


# Of the library, on Python 3.11.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
@pytest.mark.parametrize(
    ("url", "hosts", "words"),
    [
        ("nonsense", "ntfy.sh", "such as ntfys://topic"),
        ("syslog://", "ntfy.sh", "such as ntfys://topic"),
        ("file://etc", "ntfy.sh", "act on the server itself"),
        ("unknown://topic", "ntfy.sh", "Apprise cannot read this URL"),
        ("ntfys://topic", "169.254.169.254", "never called"),
        ("ntfys://topic", "", "Name the hosts"),
    ],
)
def test_bad_service_is_refused_in_words(
    admin_client: Client, settings: Settings, url: str, hosts: str, words: str
) -> None:
    settings.CWEXPORT_APPRISE = True
    typed = {"name": "Pager", "language": "en", "codes": ["failed"], "scope": "all"}
    address = reverse("channel-create", args=["apprise"])

    page = admin_client.post(address, {**typed, "kind_url": url, "kind_hosts": hosts})

    assert words in page.content.decode()
    assert not Channel.objects.exists()
