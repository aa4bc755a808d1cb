"""A whole installation behind its own web server, to send random requests to."""

import html
import logging
import re
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from exports.models import (
    ApiToken,
    Channel,
    Connection,
    Delivery,
    Event,
    Message,
    Run,
    Schedule,
    Workflow,
)
from exports.workers.web_server import Limits, WebServer, listen
from exports.workers.workflow_jobs import start_workflow
from tests.conftest import save_task
from tests.middleware.strange_requests import patterns
from tests.screen_fixtures import fail, put_out, succeed

CSRF_TOKEN: Final = "fuzz" * 8
_NOBODY: Final = "https://127.0.0.1:9"


# They end the login that the other requests need.
_LEFT_OUT: Final = ("logout", "password", "readyz", "end", "deactivate", "factor", "role", "remove")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    request: bytes

    def fault(self) -> str:
        """What is wrong with it; empty when all is well. A closed connection is an answer too."""
        headers, wanted = self.headers, ""
        if not self.status:
            return ""
        if self.status >= 500:
            wanted = "no error of the server"
        elif "default-src 'none'" not in headers.get("content-security-policy", ""):
            wanted = "a content policy"
        elif headers.get("x-content-type-options") != "nosniff":
            wanted = "no guessed content type"
        elif "no-store" not in headers.get("cache-control", ""):
            wanted = "no cache"
        return f"{self.status}, not {wanted}: {self.request[:1_500]!r}" if wanted else ""


@dataclass
class Installation:
    """A served installation with one row of each kind, and who is asking."""

    port: int
    cookie: str
    token: str
    pk: int
    # The fields of each form, with what stands in them.
    forms: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def ask(self, request: bytes) -> Answer:
        """The answer to a raw request; status 0 when the connection was closed without one."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            with suppress(OSError):
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while b"\r\n\r\n" not in answer and (part := client.recv(65_536)):
                    answer += part
        return _read(answer, request)


def _read(answer: bytes, request: bytes) -> Answer:
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    status = head[0].split(" ")[1] if head[0].startswith("HTTP/") else "0"
    pairs = (line.partition(": ") for line in head[1:])
    return Answer(int(status), {name.lower(): value for name, _, value in pairs}, request)


def make_rows() -> User:
    """One row of each kind, all with small numbers; what is called listens nowhere."""
    user = User.objects.create_superuser("Fuzz1", password="correct horse")
    connection = Connection(name="Fuzzed", site=_NOBODY, company="acme", public_key="AbCdEf")
    connection.write_private_key("pK-9z-secret")
    connection.save()
    task = save_task(connection, name="Fuzzed", output_file="fuzzed.xml")
    run = succeed(task)
    put_out(run, 1, 2, 3)
    Delivery.objects.plan(run)
    fail(save_task(connection, name="Fuzzed too", output_file="fuzzed-too.xml"))
    third = save_task(connection, name="Fuzzed third", output_file="fuzzed-third.xml")
    third.queue_run(Run.Trigger.MANUAL, user)
    workflow = Workflow.objects.create(name="Fuzzed")
    workflow.replace_steps([task])
    start_workflow(workflow, "manual")
    Schedule.objects.create(task=task, cron="0 6 * * *", zone="Europe/Berlin")
    channel = Channel(name="Fuzzed", kind="webhook")
    channel.write_secrets({"url": f"{_NOBODY}/hook", "signing_secret": "whsec_" + "A" * 32})
    channel.save()
    event = Event.objects.create(code="failed", subject="result:task:1", task=task, run=run)
    Message.objects.create(event=event, channel=channel, order_key="task:1")
    return user


@contextmanager
def serving(application: Any, user: User) -> Iterator[Installation]:
    """The product behind its own web server, in this process."""
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF_TOKEN}"
    _, token = ApiToken.objects.issue(user, "fuzz", "admin", 1)
    listening = listen("127.0.0.1", 0)
    server = WebServer(application, listening, Limits())
    thread = Thread(target=server.run)
    thread.start()
    try:
        installation = Installation(listening.getsockname()[1], cookie, token, pk=1)
        installation.forms = dict(_forms(client))
        yield installation
    finally:
        server.end()
        thread.join(30)


def _forms(client: Client) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for path in asked_paths():
        address = re.sub(r"<[^>]+>", "1", path)
        answer = client.get(f"/{address}")
        answer.close()
        assert answer.status_code < 500, address
        if answer.status_code == 200 and not answer.streaming:
            tags = re.findall(r"<(?:input|select|textarea|button)\b[^>]*>", answer.content.decode())
            found = [(_of(tag, "name"), html.unescape(_of(tag, "value"))) for tag in tags]
            yield path, [(name, value) for name, value in found if name]


def _of(tag: str, attribute: str) -> str:
    found = re.search(rf'\b{attribute}="([^"]*)"', tag)
    return found[1] if found else ""


def asked_paths() -> list[str]:
    return [
        path
        for path in patterns()
        if not path.startswith("admin/") and not any(word in path for word in _LEFT_OUT)
    ]


class _Mistakes(logging.Handler):
    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            text = "".join(traceback.format_exception(*record.exc_info))
            self._texts.append(text[-1_500:])


@contextmanager
def tracebacks() -> Iterator[list[str]]:
    """What the server logs as mistakes of its own."""
    texts: list[str] = []
    handler, loggers = (
        _Mistakes(texts),
        [logging.getLogger(name) for name in ("django", "waitress")],
    )
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield texts
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
