"""Deliveries by e-mail, to a real mail server (D1)."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from exports.delivery.kinds import mail
from exports.delivery.sending import send_due
from exports.models import Destination, Task
from tests.delivery.deliveries import delivery_of, retry_now
from tests.delivery.destinations import (
    content_of,
    deliver_only_to,
    execute,
    make_destination,
    outcomes,
)
from tests.notifications.sinks import MailSink, mail_sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sink(settings: Settings) -> Iterator[MailSink]:
    with mail_sink() as running:
        settings.CWEXPORT_SMTP_HOST, settings.CWEXPORT_SMTP_PORT = "127.0.0.1", running.port
        settings.CWEXPORT_SMTP_TLS, settings.CWEXPORT_SMTP_USER = "none", ""
        settings.CWEXPORT_SMTP_FROM = "cwexport@example.com"
        yield running


def to_mail() -> Destination:
    return make_destination("mail", {"to": "one@example.com\ntwo@example.com"})


@pytest.mark.rule("D1")
def test_test_mail_arrives(sink: MailSink) -> None:
    assert outcomes(to_mail()) == ["passed"] * 3
    assert sink.recipients == [["one@example.com", "two@example.com"]]


def test_file_is_attached(sink: MailSink, task: Task) -> None:
    deliver_only_to(to_mail(), task, "batches-{run}.xml")
    run = execute(task)
    send_due()

    assert delivery_of(run).state == "delivered"
    attached = [part for part in sink.mails[0].walk() if part.get_filename()]
    assert attached[0].get_filename() == f"batches-{run.pk}.xml"
    assert attached[0].get_payload(decode=True) == content_of(run)


def test_refused_mail_is_sent_again(sink: MailSink, task: Task) -> None:
    deliver_only_to(to_mail(), task)
    run = execute(task)
    sink.data_answer = "452 4.3.1 disk full"
    send_due()
    assert (delivery_of(run).state, sink.mails) == ("waiting", [])
    sink.data_answer = "250 OK"
    retry_now()

    assert (delivery_of(run).state, len(sink.mails)) == ("delivered", 1)


def test_refused_recipient_sends_nothing_twice(sink: MailSink, task: Task) -> None:
    deliver_only_to(to_mail(), task)
    run = execute(task)
    sink.refused = {"two@example.com"}
    send_due()
    retry_now()

    assert (delivery_of(run).state, len(sink.mails)) == ("failed", 1)
    assert "two@example.com" in delivery_of(run).error


def test_large_file_is_no_mail(sink: MailSink, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LARGEST", 100)
    deliver_only_to(to_mail(), task)
    run = execute(task)
    send_due()

    assert (delivery_of(run).state, delivery_of(run).error_code) == (
        "failed",
        "delivery.too_large",
    )
    assert sink.mails == []


def test_missing_mail_server_is_told(settings: Settings) -> None:
    settings.CWEXPORT_SMTP_HOST = ""
    destination = to_mail()
    outcomes(destination)

    assert "CWEXPORT_SMTP_HOST" in destination.last_test_steps[0]["sentence"]
