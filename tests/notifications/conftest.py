"""Sinks and channels for the tests of messages."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from exports.models import Channel
from exports.models.codes import EventCode
from tests.notifications.sinks import MailSink, WebSink, mail_sink, web_sink

SECRET = "correct horse battery"


@pytest.fixture
def mails(settings: Settings) -> Iterator[MailSink]:
    """The mail server of the installation."""
    with mail_sink() as sink:
        use_mail_server(settings, sink.port)
        yield sink


@pytest.fixture
def hook() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


def use_mail_server(settings: Settings, port: int) -> None:
    settings.CWEXPORT_SMTP_HOST = "127.0.0.1"
    settings.CWEXPORT_SMTP_PORT = port
    settings.CWEXPORT_SMTP_TLS = "none"
    settings.CWEXPORT_SMTP_FROM = "cwexport <cwexport@example.com>"


def mail_channel(to: str = "anna@example.com", **fields: Any) -> Channel:
    return _saved({"name": "Mail", "kind": "email", "settings": {"to": to}, **fields}, {})


def hook_channel(url: str, **fields: Any) -> Channel:
    values = {"name": "Hook", "kind": "webhook", "settings": {"url": f"{url}/told"}, **fields}
    return _saved(values, {"secret": SECRET})


def chat_channel(kind: str, url: str, **fields: Any) -> Channel:
    values = {"name": kind.title(), "kind": kind, **fields}
    return _saved(values, {"url": f"{url}/services/T0000/very-secret-part"})


def _saved(values: dict[str, Any], secrets: dict[str, str]) -> Channel:
    channel = Channel(**values)
    channel.write_secrets(secrets)
    channel.save()
    channel.subscribe(list(EventCode.values))
    return channel
