"""The server as a whole: start, stop, TLS, keep-alive, the log, hooks."""

import gzip
import http.client
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest

from exports.demo import wires
from exports.demo.answers import Request
from exports.demo.api import BASE_PATH
from exports.demo.faults import Sending
from exports.demo.server import StandIn
from exports.demo.store import Store
from tests.demo.asking import BATCHES, ask, credentials
from tests.demo.certificates import Certificates

ROOT = Path(__file__).parents[2]


def test_server_restarts_at_the_same_address() -> None:
    stand_in = StandIn(Store([{"id": 1}]))
    with stand_in:
        address = stand_in.url
        assert ask(stand_in).ids == [1]
    with pytest.raises(ConnectionRefusedError):
        ask(stand_in)
    with stand_in:
        assert stand_in.url == address
        assert ask(stand_in).ids == [1]


def test_stopping_ends_open_and_hanging_connections() -> None:
    arrived = Event()
    with StandIn(Store()) as stand_in:
        stand_in.faults.add(Sending(wires.never_answer))
        stand_in.on_request(lambda request: arrived.set())
        idle = socket.create_connection(("127.0.0.1", stand_in.port), timeout=60)
        hanging = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=60)
        hanging.request("GET", BASE_PATH + BATCHES)
        assert arrived.wait(10)
    with idle:
        assert idle.recv(1) == b""
    with pytest.raises(http.client.RemoteDisconnected):
        hanging.getresponse()
    hanging.close()


def test_a_taken_port_is_an_error() -> None:
    with StandIn(Store()) as stand_in, pytest.raises(OSError, match="Address already in use"):
        StandIn(Store(), port=stand_in.port).start()


def test_a_connection_is_kept_for_many_calls(stand_in: StandIn) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=60)
    sockets = set()
    for method, body in (("GET", None), ("POST", b"x" * 1000), ("GET", b"unusual")):
        connection.request(method, f"{BASE_PATH}{BATCHES}/count", body, credentials())
        connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert [request.method for request in stand_in.requests] == ["GET", "POST", "GET"]


def test_it_speaks_tls_with_the_given_certificate(
    tls_stand_in: StandIn, certificates: Certificates
) -> None:
    context = ssl.create_default_context(cafile=str(certificates.authority))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", tls_stand_in.port, timeout=60, context=context
    )
    connection.request("GET", f"{BASE_PATH}{BATCHES}/count", headers=credentials())
    assert connection.getresponse().read() == b'{"count":120}'
    connection.close()
    assert tls_stand_in.url == f"https://127.0.0.1:{tls_stand_in.port}"


def test_distrusting_client_does_not_disturb_others(
    tls_stand_in: StandIn, certificates: Certificates
) -> None:
    stranger = http.client.HTTPSConnection("127.0.0.1", tls_stand_in.port, timeout=60)
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    silent = socket.create_connection(("127.0.0.1", tls_stand_in.port))
    test_it_speaks_tls_with_the_given_certificate(tls_stand_in, certificates)
    silent.close()


def test_a_connection_over_tls_may_be_reset(
    tls_stand_in: StandIn, certificates: Certificates
) -> None:
    tls_stand_in.faults.add(Sending(wires.reset))
    context = ssl.create_default_context(cafile=str(certificates.authority))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", tls_stand_in.port, timeout=60, context=context
    )
    connection.request("GET", f"{BASE_PATH}{BATCHES}", headers=credentials())
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()


def test_compression_needs_switch_and_request() -> None:
    with StandIn(compress=True) as stand_in:
        plain = ask(stand_in)
        compressed = ask(stand_in, headers=credentials() | {"Accept-Encoding": "gzip, deflate"})
        small = ask(stand_in, "/system/info", headers=credentials() | {"Accept-Encoding": "gzip"})
    assert plain.headers["Content-Encoding"] is None
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == plain.body
    assert small.headers["Content-Encoding"] is None


def test_the_log_tells_what_was_asked(stand_in: StandIn) -> None:
    ask(stand_in, conditions='batchIdentifier = "a&b"', page=2, pageSize=10)
    ask(stand_in, f"{BATCHES}/count")
    ask(stand_in, "/system/info")
    (request,) = stand_in.requests.lists
    assert (request.method, request.path) == ("GET", BASE_PATH + BATCHES)
    assert request.query == {
        "conditions": 'batchIdentifier = "a&b"',
        "page": "2",
        "pageSize": "10",
    }
    assert request.headers["clientid"] == stand_in.account.client_id
    assert len(stand_in.requests.counts) == 1
    assert [call.endpoint for call in stand_in.requests] == ["list", "count", "systeminfo"]
    ats = [call.at for call in stand_in.requests]
    assert ats == sorted(ats)
    stand_in.requests.clear()
    assert list(stand_in.requests) == []


def test_log_counts_concurrent_calls(stand_in: StandIn) -> None:
    meeting = Barrier(3, timeout=60)

    @stand_in.on_request
    def wait_for_the_others(request: Request) -> None:
        meeting.wait()

    threads = [Thread(target=ask, args=(stand_in,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stand_in.requests.most_at_once_count == 3


def test_hook_may_change_batches_before_answering(stand_in: StandIn) -> None:
    ids = stand_in.store.ids

    def delete_ahead(request: Request) -> None:
        if request.query.get("page") == "2":
            stand_in.store.delete(ids[25])

    stand_in.on_request(delete_ahead)
    assert ask(stand_in).ids == ids[:25]
    assert ask(stand_in, page=2).ids == ids[26:51]


def test_hook_error_is_kept_apart_from_faults() -> None:
    with StandIn(Store()) as stand_in:
        mistake = ValueError("a slip in a test")

        @stand_in.on_request
        def slip(request: Request) -> None:
            raise mistake

        reply = ask(stand_in)
    assert (reply.status, stand_in.failures) == (500, [mistake])
    assert reply.body == b"The stand-in itself failed; see its failures."


def test_it_needs_nothing_of_the_product_it_judges() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import pkgutil, importlib, exports.demo\n"
        "for found in pkgutil.iter_modules(exports.demo.__path__):\n"
        "    importlib.import_module(f'exports.demo.{found.name}')\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "parts = {name.split('.')[1] for name in sys.modules if name[:8] == 'exports.'}\n"
        "print(sorted(roots - sys.stdlib_module_names), sorted(parts))\n"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "['__main__', 'exports'] ['demo']\n"
