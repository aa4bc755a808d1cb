"""The web server, over real sockets."""

import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from django.test import Client

from exports.workers.web_server import MAX_BODY_BYTES, Limits, WebServer, listen

PARTIAL_POST = b"POST /login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabcdefghij"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d bytes by %s" % (len(body), environ["wsgi.url_scheme"].encode())]


@contextmanager
def serving(application: Application = hello, **limits: float) -> Iterator[tuple[WebServer, int]]:
    listening = listen("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    server = WebServer(application, listening, Limits(**limits))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server, port
    finally:
        server.end()
        thread.join(30)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def send(port: int, *request: bytes) -> bytes:
    """The answer that comes before the server closes the connection."""
    with connect(port) as client, client.makefile("rb") as answer:
        for part in request:
            client.sendall(part)
        with suppress(ConnectionResetError):  # it did not wait for the rest
            return answer.read()
        return b"HTTP/1.1 499 not read"


def ask(port: int, *headers: bytes) -> bytes:
    return send(port, b"GET / HTTP/1.0\r\n", *headers, b"\r\n")


def test_unfinished_posts_hold_up_nobody() -> None:
    with serving() as (_, port), ExitStack() as stack:
        for _n in range(60):
            stack.enter_context(connect(port)).sendall(PARTIAL_POST)
        assert ask(port).endswith(b"0 bytes by http")


def test_one_address_has_so_many_connections() -> None:
    with serving(of_one_address=5) as (_, port), ExitStack() as stack:
        early = stack.enter_context(connect(port))
        early.sendall(PARTIAL_POST)
        for _n in range(20):
            stack.enter_context(connect(port)).sendall(PARTIAL_POST)
        assert early.recv(1) == b""
        assert b"200 OK" in ask(port)


@pytest.mark.django_db
def test_trace_echoes_nothing(client: Client) -> None:
    for address in ("/login/", "/", "/nowhere/", "/api/v1/tasks", "/static/exports/zone.js"):
        answer = client.generic("TRACE", address, headers={"X-Secret": "a-secret-header"})
        assert answer.status_code in {302, 401, 404, 405}
        assert b"a-secret-header" not in answer.content


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost:", PARTIAL_POST])
def test_unfinished_request_is_closed(sent: bytes) -> None:
    with serving(whole_request=0.1) as (_, port), connect(port) as client:
        client.sendall(sent)
        assert client.recv(1) == b""


def test_dripping_request_is_closed() -> None:
    with serving(whole_request=0.1) as (_, port), connect(port) as client:
        client.sendall(PARTIAL_POST)
        client.settimeout(0.01)
        for _n in range(90_000):
            with suppress(TimeoutError):
                assert client.recv(1) == b""
                return
            client.sendall(b"x")
        pytest.fail("The server took it all.")


def test_reader_that_stalls_is_closed() -> None:
    over = threading.Event()

    def endless(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            over.set()

    with serving(endless, stalled_reader=0.1) as (_, port), connect(port) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert over.wait(30)


def test_large_body_is_refused_before_it_is_sent() -> None:
    with serving() as (_, port):
        answer = send(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Security-Policy: default-src 'none'" in answer


def test_body_in_chunks_has_the_same_limit() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving() as (_, port):
        answer = send(port, head, b"%x\r\n" % MAX_BODY_BYTES, b"x" * MAX_BODY_BYTES)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 400_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n bad: folded\nBare: lf\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n",
    ],
)
def test_unreadable_request_is_refused(request_bytes: bytes) -> None:
    with serving() as (_, port):
        assert re.match(rb"HTTP/1\.[01] 4\d\d ", send(port, request_bytes))
        assert b"200 OK" in ask(port)


def test_forwarded_scheme_is_not_believed() -> None:
    with serving() as (_, port):
        assert ask(port, b"X-Forwarded-Proto: https\r\n").endswith(b"0 bytes by http")


def test_end_lets_an_answer_arrive() -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked.set()
        goes_on.wait(30)
        return hello(environ, start_response)

    with serving(slow) as (server, port), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, port)
        assert asked.wait(30)
        server.end()
        goes_on.set()
        assert answer.result(30).endswith(b"0 bytes by http")
