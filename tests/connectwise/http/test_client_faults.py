"""Faults of ConnectWise: the error of the run, and the number of requests (H1 to H5, C6)."""

import tracemalloc
import zlib

import pytest

from exports.connectwise.http.client import ConnectWiseError, Wait
from exports.connectwise.http.errors import (
    AnswerTooLargeError,
    AuthenticationError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    ServerFailedError,
    ThrottledError,
    UnreachableError,
    WrongShapeError,
)

from .clients import HASTY, ONCE, ask, client_of, failure
from .raw_server import (
    RawServer,
    Reply,
    answer,
    closing,
    dripping,
    gzip_answer,
    json_answer,
    resetting,
)

GOOD = json_answer([{"id": 1}])


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, RejectedError, "Check the conditions, and the company and Client ID"),
        (401, AuthenticationError, "Check the company, the public key, the private key"),
        (403, ForbiddenError, "The security role of the API member needs Finance > Accounting"),
        (404, NotFoundError, "Check the site: it is the host that people log in to."),
        (405, RejectedError, "Check the site and the connection."),
        (418, RejectedError, "Check the site and the connection."),
        (501, ServerFailedError, "ConnectWise fails or is under maintenance"),
    ],
)
@pytest.mark.rule("H3")
def test_refused_request_is_not_retried_but_explained(
    status: int, kind: type[ConnectWiseError], advice: str
) -> None:
    body = {"code": "X", "message": "No <b>way</b>\u202e\n in.", "errors": None}
    sent = json_answer(body, status, {"x-cw-request-id": "abc-1"})
    with RawServer(sent) as server, client_of(server) as client:
        error = failure(client)
    assert len(server.requests) == 1
    assert (type(error), error.step, error.status) == (kind, "batches", status)
    assert (error.remote_message, error.request_id) == ("No <b>way</b> in.", "abc-1")
    message = f"Reading batches: ConnectWise answered {status} (“No <b>way</b> in.”). {advice}"
    assert str(error).startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Cannot route. Codebase/company is invalid", "Cannot route. Codebase/company is invalid"),
        ('{"error": "X", "message": "Too many requests."}', "Too many requests."),
        (
            '{"message": "Bad.", "errors": [{"message": "id is odd"}, null, {"message": []}]}',
            "Bad. id is odd",
        ),
        ("<html><title>\n502 Bad\n Gateway</title>", "a web page titled 502 Bad Gateway"),
        ("<html>", "a web page"),
        ('{"message": "cut', ""),
        ('{"message": null}', ""),
        ("[1]", ""),
        ("", ""),
        ("x" * 301, "x" * 299 + "…"),
        (b"\x00\x07a\x1b[0mb\xffc", "a [0mb\ufffdc"),
    ],
)
@pytest.mark.rule("H3")
def test_error_message_is_cleaned_and_shortened(body: str | bytes, message: str) -> None:
    with RawServer(answer(400, body)) as server, client_of(server) as client:
        assert failure(client).remote_message == message


def test_cut_body_does_not_hide_the_error() -> None:
    head = b"HTTP/1.1 401 No\r\nContent-Length: 900\r\n\r\n{"
    for reply in (closing(head), dripping(head)):
        with RawServer(reply) as server, client_of(server, limits=HASTY) as client:
            assert isinstance(failure(client), AuthenticationError)
        assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["//127.0.0.1:{}/x", "http://127.0.0.1:{}/x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.rule("H1")
def test_a_redirect_is_never_followed(status: int, location: str) -> None:
    with RawServer(GOOD) as other:
        sent = answer(status, headers={"Location": location.format(other.port)})
        with RawServer(sent) as server, client_of(server) as client:
            error = failure(client)
    assert isinstance(error, RejectedError)
    assert f"and points to {location.format(other.port)}" in str(error)
    assert (len(server.requests), other.connection_count) == (1, 0)


def test_links_and_redirects_are_never_followed() -> None:
    with RawServer(GOOD) as other:
        link = {"Link": f'<http://127.0.0.1:{other.port}/>; rel="next"', "Refresh": "0; url=/x"}
        with (
            RawServer(json_answer([{"id": 1}], headers=link)) as server,
            client_of(server) as client,
        ):
            assert ask(client) == [1]
    assert other.connection_count == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "3"}, (3, 4)),
        ({"Retry-After": "0"}, (1, 3)),
        (
            {
                "Date": "Tue, 24 Nov 2026 12:00:00 GMT",
                "Retry-After": "Tue, 24 Nov 2026 12:00:20 GMT",
            },
            (20, 21),
        ),
        ({"Retry-After": "Tue, 24 Nov 2020 12:00:00 GMT"}, (1, 3)),
        ({"Retry-After": "-5"}, (30, 33)),
        ({"Retry-After": "abc"}, (30, 33)),
        ({"Retry-After": "9" * 30}, (30, 33)),
        ({}, (30, 33)),
    ],
)
def test_throttled_request_waits_and_succeeds(
    header: dict[str, str], seconds: tuple[float, float]
) -> None:
    waits: list[Wait] = []
    busy = json_answer({"error": "ConnectWiseAPI", "message": "Too many requests."}, 429, header)
    with RawServer(busy, GOOD) as server, client_of(server, on_wait=waits.append) as client:
        assert ask(client) == [1]
    assert [(wait.attempt, wait.reason) for wait in waits] == [(1, "ConnectWise answered 429")]
    assert seconds[0] <= waits[0].seconds <= seconds[1]


def test_endless_throttling_fails_after_five_tries() -> None:
    with (
        RawServer(answer(429, headers={"Retry-After": "1"})) as server,
        client_of(server) as client,
    ):
        error = failure(client)
    assert len(server.requests) == 5
    assert isinstance(error, ThrottledError)
    assert "ConnectWise answered 429. Tried 5 times. Too many requests" in str(error)


@pytest.mark.rule("H2")
def test_retry_after_over_five_minutes_fails_at_once() -> None:
    with (
        RawServer(answer(429, headers={"Retry-After": "301"})) as server,
        client_of(server) as client,
    ):
        error = failure(client)
    assert len(server.requests) == 1
    assert "ConnectWise answered 429 and asks to wait 301 seconds" in str(error)


PASSING: dict[str, Reply] = {
    "500": json_answer({"message": "A timeout has occured. Please try again."}, 500),
    "502 with HTML": answer(502, "<html>Bad gateway"),
    "503": answer(503),
    "504": answer(504),
    "reset": resetting,
    "closed": closing(b""),
    "no HTTP": closing(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"),
    "cut head": closing(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut body": closing(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[{"),
    "cut chunk": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[{"),
    "missing last chunk": closing(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"
    ),
    "bad chunk size": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]"),
    "cut gzip": answer(body=gzip_answer(b"[]")[-22:-12], headers={"Content-Encoding": "gzip"}),
    "no gzip": answer(body=b"\x1f\x8b[]", headers={"Content-Encoding": "gzip"}),
    "endless headers": closing(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200),
    "login page": answer(body="<html><title>Login</title>", headers={"Content-Type": "text/html"}),
    "cut JSON": answer(body=b'[{"id": 1}, {"id"'),
    "null": json_answer(None),
    "{}": json_answer({}),
    "error object": json_answer({"code": "Security", "message": "SSL is required."}),
    "nothing": answer(body=b""),
    "204": answer(204),
    "record without id": json_answer([{"id": 1}, {}]),
    "record with a textual id": json_answer([{"id": "1"}]),
    "list of null": json_answer([None]),
    "NaN": answer(body=b'[{"id": 1, "x": NaN}]'),
    "nested absurdly": answer(body=b"[" * 50_000),
}


@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault_is_retried_unnoticed(fault: str) -> None:
    waits: list[Wait] = []
    with (
        RawServer(*[PASSING[fault]] * 2, GOOD) as server,
        client_of(server, on_wait=waits.append) as client,
    ):
        assert ask(client) == [1]
    assert len(server.requests) == 3
    assert [wait.attempt for wait in waits] == [1, 2]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.rule("H2")
def test_lasting_fault_fails_after_five_tries(fault: str) -> None:
    with RawServer(PASSING[fault]) as server, client_of(server) as client:
        error = failure(client)
    assert len(server.requests) == 5
    assert isinstance(error, UnreachableError | WrongShapeError | ServerFailedError)
    assert str(error).startswith("Reading batches: ")
    assert "Tried 5 times." in str(error)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("reset", "closed the connection before it had answered"),
        ("no HTTP", "sent what no web server sends"),
        ("cut body", "was cut short"),
        ("cut chunk", "was cut short"),
        ("login page", "It sent “a web page titled Login”."),
        ("null", "ConnectWise sent null instead of a list of batches"),
        ("error object", "an object instead of a list of batches"),
        ("error object", "It sent “SSL is required.”"),
        ("nothing", "The answer is not JSON"),
        ("no gzip", "could not be decompressed"),
    ],
)
def test_lasting_fault_is_reported_in_plain_words(fault: str, message: str) -> None:
    with RawServer(PASSING[fault]) as server, client_of(server, retry=ONCE) as client:
        assert message in str(failure(client))


def test_an_unused_port_is_reported_after_five_tries() -> None:
    waits: list[Wait] = []
    server = RawServer()
    with server:
        pass
    with client_of(server, on_wait=waits.append) as client:
        assert f"127.0.0.1:{server.port} refused the connection" in str(failure(client))
    assert len(waits) == 4


def bomb(member_count: int, *, one_stream: bool) -> bytes:
    """A gzip body of about 1 kB per decoded MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if not one_stream else -15)
    zeros = bytes(1_000_000)
    if one_stream:
        block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
        return b"\x1f\x8b\x08\x00\0\0\0\0\x00\x03" + block * member_count
    return (packer.compress(zeros) + packer.flush()) * member_count


@pytest.mark.parametrize("one_stream", [True, False])
@pytest.mark.rule("H1")
def test_gzip_bomb_is_stopped_in_little_memory(one_stream: bool) -> None:
    body = bomb(1000, one_stream=one_stream)
    sent = answer(body=body, headers={"Content-Encoding": "gzip"})
    with RawServer(sent) as server, client_of(server) as client:
        tracemalloc.start()
        error = failure(client)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(body) < 1_500_000
    assert isinstance(error, AnswerTooLargeError)
    assert len(server.requests) == 1
    assert peak < 8_000_000


@pytest.mark.parametrize(("size", "fits"), [(100_000, True), (100_001, False)])
def test_body_may_reach_the_size_limit(size: int, fits: bool) -> None:
    with RawServer(answer(body=b"[]".ljust(size))) as server, client_of(server) as client:
        if fits:
            assert ask(client) == []
        else:
            assert "larger than 100,000 bytes" in str(failure(client))


class Semaphore:
    """Records what happens while it is held and while it is not."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __enter__(self) -> None:
        self.events.append("acquired")

    def __exit__(self, *error: object) -> None:
        self.events.append("released")


def test_semaphore_is_held_only_during_requests() -> None:
    semaphore = Semaphore()
    replies = answer(503), answer(200, b"[{"), GOOD

    def on_wait(wait: Wait) -> None:
        semaphore.events.append(f"wait {wait.attempt}")

    with (
        RawServer(*replies) as server,
        client_of(server, semaphore=semaphore, on_wait=on_wait) as client,
    ):
        assert ask(client) == [1]

    request = ["acquired", "released"]
    assert semaphore.events == [*request, "wait 1", *request, "wait 2", *request]
