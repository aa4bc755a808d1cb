"""No server can delay a request beyond its deadline, or a stop for long (H1, H4)."""

import dataclasses
import socket
import threading
from collections.abc import Iterator

import pytest

from exports.connectwise.http.client import ConnectWiseClient, Limits
from exports.connectwise.http.errors import StoppedError, UnreachableError
from tests.demo.certificates import Certificates

from .clients import HASTY, ONCE, QUICK, ask, client_of, failure, server_context
from .raw_server import RawServer, Reply, answer, dripping, json_answer, silent

GOOD = json_answer([{"id": 1}])
PATIENT = Limits(connect=3600, read=3600, total=3600)

SLOW: dict[str, Reply] = {
    "never answers": silent,
    "drips its head": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "drips headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "drips its body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n["),
    "drips chunks": dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"
    ),
    "drips interim answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.rule("H1")
def test_server_cannot_stretch_the_deadline(slow: str) -> None:
    with (
        RawServer(SLOW[slow]) as server,
        client_of(server, limits=HASTY, retry=ONCE) as client,
    ):
        error = failure(client)
    assert isinstance(error, UnreachableError)
    assert "in time" in str(error) or "had not answered in full after 0.6 seconds" in str(error)


@pytest.mark.parametrize("slow", ["never answers", "drips its head", "drips its body"])
def test_a_server_cannot_stretch_the_deadline_over_tls(
    slow: str, certificates: Certificates
) -> None:
    with (
        RawServer(SLOW[slow], tls=server_context(certificates)) as server,
        client_of(
            server, scheme="https", limits=HASTY, retry=ONCE, ca_file=str(certificates.authority)
        ) as client,
    ):
        assert isinstance(failure(client), UnreachableError)
    assert len(server.requests) == 1


def test_stuck_handshake_is_given_up() -> None:
    with (
        RawServer(silent) as server,
        client_of(server, scheme="https", limits=HASTY, retry=ONCE) as client,
    ):
        assert "did not answer in time" in str(failure(client))


def test_a_stop_ends_a_handshake() -> None:
    with RawServer(silent) as server:
        assert_stops(client_of(server, scheme="https", limits=PATIENT, stop=stopping_soon()))


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither accepted nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def test_stuck_connect_is_given_up(full_port: int) -> None:
    with client_of(full_port, limits=HASTY, retry=ONCE) as client:
        assert "did not answer in time" in str(failure(client))


def stopping_soon() -> threading.Event:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    return stop


def assert_stops(client: ConnectWiseClient) -> None:
    """Only the stop can end the client's work: its limits are an hour and more.

    How soon a stop takes effect is measured by `make stress ARGS=cancels`, on a quiet machine.
    """
    with client, pytest.raises(StoppedError) as caught:
        ask(client)
    assert str(caught.value).startswith("Reading batches: stopped, as asked.")


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.rule("H4")
def test_a_stop_ends_a_request_in_flight(slow: str) -> None:
    with RawServer(SLOW[slow]) as server:
        assert_stops(client_of(server, limits=PATIENT, stop=stopping_soon()))


@pytest.mark.rule("H4")
def test_stop_ends_a_retry_wait() -> None:
    slow = dataclasses.replace(QUICK, scale=1)
    with RawServer(answer(429, headers={"Retry-After": "300"})) as server:
        assert_stops(client_of(server, retry=slow, stop=stopping_soon()))
    assert len(server.requests) == 1


def test_a_stop_ends_a_connection_attempt(full_port: int) -> None:
    assert_stops(client_of(full_port, limits=PATIENT, stop=stopping_soon()))


def test_stop_ends_a_name_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: over.wait(3600) and [])
    with RawServer() as server:
        assert_stops(client_of(server, host="cw.example.com", limits=PATIENT, stop=stopping_soon()))
    over.set()


def test_a_stop_that_came_before_sends_nothing() -> None:
    with RawServer(GOOD) as server:
        assert_stops(client_of(server, stop=lambda: True))
    assert server.connection_count == 0


@pytest.mark.rule("H1")
def test_the_limits_are_those_of_the_rules() -> None:
    assert Limits() == Limits(connect=10, read=60, total=180, max_body_bytes=16_000_000)
