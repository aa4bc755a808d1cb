"""Servers that refuse, redirect, hang or reset: a sentence on the channel, nothing else (N4)."""

import socket
import threading
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from exports.demo.server import StandIn
from exports.models import Channel, Message, Run, Task, record_event
from exports.models.codes import EventCode
from exports.notifications import smtp, web
from exports.notifications.sending import send_messages
from tests.conftest import run_now
from tests.demo.certificates import Certificates
from tests.notifications.conftest import (
    SECRET,
    chat_channel,
    hook_channel,
    mail_channel,
    use_mail_server,
)
from tests.notifications.sinks import MailSink, WebSink, bad_server, mail_sink

pytestmark = pytest.mark.django_db

BadAnswer = tuple[int, dict[str, str], bytes]


def told(channel: Channel) -> tuple[str, str, str]:
    """State and code of its only message, and the sentence on the channel."""
    message = Message.objects.get(channel=channel)
    channel.refresh_from_db()
    assert channel.failure_code == message.error_code
    assert (channel.failing_since is None) == (message.error_code == "")
    return message.state, message.error_code, str(channel.failure)


def tell(task: Task) -> None:
    record_event(EventCode.FAILED, task=task)
    send_messages()


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((302, {"Location": "http://169.254.169.254/"}, b""), "channel.redirected", "302"),
        ((401, {}, b"no"), "channel.login_refused", "enter it anew"),
        ((404, {}, b"gone"), "channel.refused", "no longer exists"),
        ((429, {}, b""), "channel.throttled", "sent again later"),
        ((500, {}, b"<title>Oops</title>"), "channel.server_failed", "Oops"),
        ((418, {}, b"teapot"), "channel.refused", "teapot"),
    ],
)
def test_refusal_is_a_sentence_on_the_channel(
    hook: WebSink, task: Task, answer: BadAnswer, code: str, words: str
) -> None:
    channel = hook_channel(hook.url)
    hook.answers = [answer]

    tell(task)

    state, found, sentence = told(channel)
    assert (state, found) == ("waiting", code)
    assert "127.0.0.1 answered" in sentence
    assert words in sentence
    assert len(hook.posts) == 1


@pytest.mark.rule("N1")
def test_private_address_is_never_called(hook: WebSink, task: Task, settings: Settings) -> None:
    channel = hook_channel(hook.url)
    settings.CWEXPORT_ALLOWED_NETWORKS = []

    tell(task)

    state, code, sentence = told(channel)
    assert (state, code) == ("waiting", "channel.address_blocked")
    assert "CWEXPORT_ALLOWED_NETWORKS" in sentence
    assert hook.posts == []


@pytest.mark.rule("C3")
def test_echoed_secrets_are_not_shown(hook: WebSink, task: Task) -> None:
    channel = chat_channel("slack", hook.url)
    other = hook_channel(hook.url)
    hook.answers = [
        (403, {}, b"path /services/T0000/very-secret-part is wrong"),
        (403, {}, f"secret {SECRET} is wrong".encode()),
    ]

    tell(task)

    for each, secret in ((channel, "very-secret-part"), (other, SECRET)):
        _state, _code, sentence = told(each)
        assert "is wrong" in sentence
        assert secret not in sentence


def reset(connected: socket.socket) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connected.close()


def greet_only(connected: socket.socket) -> None:
    connected.sendall(b"220 mail.example.com ESMTP\r\n")


def drip(connected: socket.socket) -> None:
    """A byte now and then: no time-out of a single answer would ever end it."""

    def write() -> None:
        try:
            while True:
                connected.sendall(b"2")
                time.sleep(0.05)
        except OSError:
            return

    threading.Thread(target=write, daemon=True).start()


def hold(connected: socket.socket) -> None:
    """Accepts and says nothing."""


@pytest.mark.parametrize("behave", [reset, hold])
def test_hook_that_breaks_off_is_tried_later(
    task: Task, monkeypatch: pytest.MonkeyPatch, behave: Callable[[socket.socket], object]
) -> None:
    monkeypatch.setattr(web, "LIMITS", web.Limits(connect=1, read=0.3, total=1))
    with bad_server(behave) as port:
        channel = hook_channel(f"http://127.0.0.1:{port}")
        tell(task)

    state, code, sentence = told(channel)
    assert state == "waiting"
    assert code == ("channel.no_answer" if behave is hold else "channel.unreachable")
    assert "Check the address of the channel" in sentence


@pytest.mark.rule("N4")
@pytest.mark.parametrize("behave", [greet_only, drip, hold, reset])
def test_mail_server_that_never_answers_holds_nobody(
    task: Task,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[[socket.socket], object],
) -> None:
    monkeypatch.setattr(smtp, "ANSWER_SECONDS", 0.4)
    monkeypatch.setattr(smtp, "SECONDS_IN_ALL", 0.8)
    channel = mail_channel()
    with bad_server(behave) as port:
        use_mail_server(settings, port)
        tell(task)

    state, code, sentence = told(channel)
    assert state == "waiting"
    assert code == ("channel.unreachable" if behave is reset else "channel.no_answer")
    assert "CWEXPORT_SMTP_HOST" in sentence


def test_stop_ends_the_wait_and_keeps_the_message(task: Task, settings: Settings) -> None:
    mail_channel()
    over = threading.Event()
    with bad_server(lambda _connected: over.set()) as port:
        use_mail_server(settings, port)
        record_event(EventCode.FAILED, task=task)
        send_messages(over.is_set)

    assert Message.objects.get().state == "waiting"
    assert Channel.objects.get().failing_since is None


def test_refused_recipients_are_named(mails: MailSink, task: Task) -> None:
    channel = mail_channel("gone@example.com")
    mails.refused = {"gone@example.com"}

    tell(task)

    state, code, sentence = told(channel)
    assert (state, code) == ("waiting", "channel.refused")
    assert "gone@example.com" in sentence
    assert "550 5.1.1 No such user" in sentence


def test_partly_refused_mail_is_not_repeated(mails: MailSink, task: Task) -> None:
    channel = mail_channel("anna@example.com\ngone@example.com")
    mails.refused = {"gone@example.com"}

    tell(task)

    state, code, sentence = told(channel)
    assert (state, code) == ("failed", "channel.recipient_refused")
    assert "the others got the message" in sentence
    assert mails.recipients == [["anna@example.com"]]


def test_full_mail_server_is_tried_later(mails: MailSink, task: Task) -> None:
    channel = mail_channel()
    mails.data_answer = "452 4.3.1 Insufficient storage"

    tell(task)

    assert told(channel)[:2] == ("waiting", "channel.server_failed")


def test_unencrypted_server_gets_no_mail(task: Task, mails: MailSink, settings: Settings) -> None:
    settings.CWEXPORT_SMTP_TLS = "starttls"
    channel = mail_channel()

    tell(task)

    state, code, sentence = told(channel)
    assert (state, code) == ("waiting", "channel.certificate")
    assert "offers no encryption" in sentence
    assert mails.mails == []


def test_unknown_certificate_gets_no_mail(
    task: Task, settings: Settings, certificates: Certificates
) -> None:
    channel = mail_channel()
    with mail_sink(tls_context=_server_context(certificates)) as sink:
        use_mail_server(settings, sink.port)
        settings.CWEXPORT_SMTP_TLS = "starttls"
        tell(task)

        assert told(channel)[1] == "channel.certificate"
        assert sink.mails == []
        settings.CWEXPORT_CA_FILE = str(certificates.authority)
        Channel.objects.update(paused_until=None)
        Message.objects.update(next_try_at=Message.objects.get().queued_at)
        send_messages()

        assert len(sink.mails) == 1
    assert told(channel) == ("sent", "", "")


def test_no_mail_server_is_said(task: Task) -> None:
    channel = mail_channel()

    tell(task)

    state, code, sentence = told(channel)
    assert (state, code) == ("waiting", "channel.not_set_up")
    assert "CWEXPORT_SMTP_HOST" in sentence


@pytest.mark.rule("N4")
def test_failing_channel_harms_no_run(task: Task, stand_in: StandIn) -> None:
    hook_channel("http://127.0.0.1:1")
    record_event(EventCode.FAILED, task=task)
    send_messages()

    run = run_now(task)

    assert (run.status, run.attempt) == (Run.Status.SUCCEEDED, 1)
    assert [message.event.code for message in Message.objects.order_by("id")] == [
        "failed",
        "recovered",
    ]


def _server_context(certificates: Certificates) -> object:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.pair)
    return context
