"""Responses changed by proxies, firewalls and half-broken servers."""

import gzip
import json
import socket
import ssl
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exports.connectwise.http.errors import (
    CertificateError,
    ConnectWiseError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    ServerFailedError,
    UnreachableError,
    WrongShapeError,
)
from exports.connectwise.http.retries import parse_http_date
from tests.demo.certificates import Certificates

from .clients import PRIVATE_KEY, ask, client_of, failure, server_context
from .raw_server import RawServer, Reply, answer, json_answer

GOOD = json_answer([{"id": 1}])
BODY = json.dumps([{"id": 1}]).encode()


def encoded(body: bytes, encoding: str) -> bytes:
    return answer(body=body, headers={"Content-Encoding": encoding})


def failed_by(*replies: Reply) -> tuple[ConnectWiseError, int]:
    """The error, and the number of requests."""
    with RawServer(*replies) as server, client_of(server) as client:
        return failure(client), len(server.requests)


@pytest.mark.parametrize("status", [408, 425, *range(520, 531)])
def test_passing_statuses_are_retried(status: int) -> None:
    with RawServer(answer(status), GOOD) as server, client_of(server) as client:
        assert ask(client) == [1]
    error, count = failed_by(answer(status))
    assert count == 5
    assert isinstance(error, ServerFailedError)
    assert "run again later" in str(error)


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 3,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)
def test_interim_responses_are_read_over(before: bytes) -> None:
    with RawServer(before + GOOD) as server, client_of(server) as client:
        assert ask(client) == [1]
        assert ask(client) == [1]


def test_endless_interim_responses_end() -> None:
    error, _count = failed_by(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200)
    assert isinstance(error, UnreachableError)


@pytest.mark.parametrize("body", ["<html><title>Blocked</title>", "\ufeff\r\n <!DOCTYPE html>"])
@pytest.mark.parametrize("status", [400, 403, 406, 451])
def test_firewall_page_names_no_role(status: int, body: str) -> None:
    error, count = failed_by(answer(status, body))
    assert (type(error), count) == (RejectedError, 1)
    assert "a firewall, a proxy" in str(error)
    assert "role" not in str(error)


def test_connectwise_error_names_the_role() -> None:
    error, _count = failed_by(json_answer({"code": "Unauthorized", "message": "no"}, 403))
    assert type(error) is ForbiddenError
    assert "security role" in str(error)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BODY, "utf-8"),
        (BODY, "none"),
        (BODY, "identity, gzip"),
        (BODY, "gzip"),
        (BODY, "br"),
        (BODY, "ISO-8859-1"),
        (BODY, "x" * 5000),
        ('[{"id": 1}]'.encode("utf-16"), "utf-16"),
        (gzip.compress(BODY, mtime=0), "identity, gzip"),
        (gzip.compress(BODY, mtime=0), "none"),
        (gzip.compress(BODY, mtime=0), "gzip, utf-8"),
        (gzip.compress(gzip.compress(BODY, mtime=0), mtime=0), "gzip, gzip"),
        (gzip.compress(BODY[:4], mtime=0) + gzip.compress(BODY[4:], mtime=0) + b"\0\0", "x-gzip"),
        (zlib.compress(BODY), "deflate"),
        (zlib.compress(BODY)[2:-4], "deflate"),
        (BODY, "deflate"),
    ],
)
def test_readable_body_is_taken(body: bytes, encoding: str) -> None:
    with RawServer(encoded(body, encoding)) as server, client_of(server) as client:
        assert ask(client) == [1]
        assert ask(client) == [1]
    assert server.connection_count == 1


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "aws-chunked"])
def test_unknown_encoding_fails_once(encoding: str) -> None:
    error, count = failed_by(encoded(b"\x1b\x07\x00\xa4\xb2", encoding))
    assert (type(error), count) == (WrongShapeError, 1)
    assert encoding.split(", ")[-1] in str(error)


def test_error_in_a_named_encoding_is_read() -> None:
    body = gzip.compress(b'{"message": "No way"}')
    for encoding in ("gzip", "none", "identity, gzip"):
        reply = answer(400, headers={"Content-Encoding": encoding}, body="")
        reply = reply.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body
        assert "No way" in str(failed_by(reply)[0])


@pytest.mark.parametrize(
    "header",
    [
        "Sun, 01 Jan 0100 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Sat, 01 Jan 1900 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2300",
        "Thu, 99 Foo 99999999999999999999 99:99:99 +999999",
    ],
)
def test_absurd_dates_are_no_dates(header: str) -> None:
    assert parse_http_date(header) is None
    reply = json_answer([{"id": 1}], headers={"Date": header})
    with RawServer(reply) as server, client_of(server) as client:
        assert client.batches("", page_size=1).server_date is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "9" * 20},
        {"Content-Length": "9" * 5000},
        {"Content-Length": "-5"},
        {"Content-Length": "²"},
        {"Transfer-Encoding": "chunked"},
        {"Retry-After": "9" * 5000},
        {"Content-Encoding": ", ".join(["gzip"] * 1000)},
    ],
)
@pytest.mark.parametrize("status", [200, 429, 503])
def test_absurd_headers_end_in_sentences(headers: dict[str, str], status: int) -> None:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace")
    for body in (BODY, b"f" * 40 + b"\r\n" + BODY, b"-1\r\n" + BODY):

        def reply(connection: Any, _over: Any, sent: bytes = head + body) -> None:
            connection.sendall(sent)

        with RawServer(reply) as server, client_of(server) as client:
            try:
                assert ask(client) == [1]
            except ConnectWiseError as error:
                assert len(str(error)) < 1000  # noqa: PT017 - either is right, nothing else is


def test_https_is_named_where_http_was_called(certificates: Certificates) -> None:
    with RawServer(GOOD, tls=server_context(certificates)) as server, client_of(server) as client:
        error = failure(client)
    # Servers differ in what they answer to plain http at their https port.
    assert isinstance(error, UnreachableError)


def test_http_is_named_where_https_was_called() -> None:
    def plain(connection: Any, _over: Any) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        RawServer(plain, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server,
        client_of(server, scheme="https") as client,
    ):
        error = failure(client)
    assert "does not speak https at this port" in str(error)
    assert server.connection_count == 1


def test_tls_alert_on_plain_http_is_named() -> None:
    error, count = failed_by(lambda connection, _over: connection.sendall(b"\x15\x03\x01\0\2\2\n"))
    assert "speaks https at this port" in str(error)
    assert count == 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_named(certificates: Certificates) -> None:
    context = server_context(certificates)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        RawServer(GOOD, tls=context) as server,
        client_of(server, scheme="https", ca_file=str(certificates.authority)) as client,
    ):
        error = failure(client)
    assert "only speaks an old version of TLS" in str(error)
    assert server.connection_count == 1


def test_demanded_client_certificate_is_named(certificates: Certificates) -> None:
    context = server_context(certificates)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        RawServer(GOOD, tls=context) as server,
        client_of(server, scheme="https", ca_file=str(certificates.authority)) as client,
    ):
        error = failure(client)
    assert "client certificate" in str(error)
    assert server.connection_count == 1


def test_client_certificate_demanded_late_is_named(certificates: Certificates) -> None:
    """With TLS 1.3 the demand comes only after the handshake, perhaps while the request is sent."""
    context = server_context(certificates)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for _attempt in range(5):
        with (
            RawServer(GOOD, tls=context) as server,
            client_of(server, scheme="https", ca_file=str(certificates.authority)) as client,
        ):
            error = failure(client)
        assert "client certificate" in str(error)
        assert server.connection_count == 1


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, RejectedError, "asks for a login of its own"),
        (404, NotFoundError, "another program answers at this address"),
    ],
)
def test_page_of_another_blames_no_keys(
    status: int, kind: type[ConnectWiseError], says: str
) -> None:
    page = b"<!DOCTYPE html><html><body><form>Log in</form></body></html>"
    error, _count = failed_by(answer(status, page, headers={"Content-Type": "text/html"}))

    assert type(error) is kind
    assert says in str(error)
    assert "private key" not in str(error)


def test_quoted_answer_stays_translatable_and_clean() -> None:
    error, _count = failed_by(json_answer(f"key {PRIVATE_KEY}"))
    stored = error.message.data

    assert "instead of a list of batches. Check that the site" in str(error)
    assert PRIVATE_KEY not in str(stored)
    assert "ConnectWise sent %(found)s instead of a list of batches." in str(stored)


def common_name_only(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate that names its host only in the subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cw.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "cn.pem", folder / "cn.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, key_file


def test_common_name_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem, key_file = common_name_only(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_file)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, *a, **k: look_up("127.0.0.1", port, *a, **k)
    )
    with (
        RawServer(GOOD, tls=context) as server,
        client_of(server, scheme="https", host="cw.example.com", ca_file=str(pem)) as client,
    ):
        error = failure(client)
    assert isinstance(error, CertificateError)
    assert server.requests == []
