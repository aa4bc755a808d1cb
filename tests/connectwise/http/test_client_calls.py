"""The client only calls allowed and verified hosts (C6), and keeps secrets (C3)."""

import socket
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.errors import AddressBlockedError, CertificateError
from tests.demo.certificates import Certificates

from .clients import CREDENTIALS, ONCE, PRIVATE_KEY, ask, client_of, failure, server_context
from .raw_server import RawServer, answer, json_answer

GOOD = json_answer([{"id": 1}])


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Each look-up gets the next answer, the last one for ever; returns the names asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in ip], socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("ip", ["169.254.169.254", "10.0.0.1", "::ffff:169.254.169.254", "::1"])
def test_name_resolving_to_forbidden_address_sends_nothing(
    ip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, [ip])
    with RawServer(GOOD) as server, client_of(server, host="cw.example.com") as client:
        error = failure(client)
    assert isinstance(error, AddressBlockedError)
    assert f"cw.example.com:{server.port} was not called. The address {ip}" in str(error)
    assert server.connection_count == 0


def test_forbidden_address_as_site_sends_nothing() -> None:
    with RawServer(GOOD) as server, client_of(server, policy=AddressPolicy()) as client:
        error = failure(client)
        with pytest.raises(AddressBlockedError, match="Looking up the company"):
            client.company("acme")
    assert isinstance(error, AddressBlockedError)
    assert server.connection_count == 0


def test_only_allowed_addresses_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving_to(monkeypatch, ["169.254.169.254", "::1", "127.0.0.1"])
    with RawServer(GOOD) as server, client_of(server, host="cw.example.com") as client:
        assert ask(client) == [1]
    assert f"Host: cw.example.com:{server.port}" in server.requests[0]


@pytest.mark.rule("C6")
def test_judged_address_is_called_despite_new_dns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    with RawServer(GOOD) as server, client_of(server, host="cw.example.com") as client:
        assert [ask(client), ask(client)] == [[1], [1]]
    assert asked == ["cw.example.com"]


def test_an_unknown_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with RawServer() as server, client_of(server, host="cw.example.com") as client:
        error = failure(client)
    assert f"the name of cw.example.com:{server.port} could not be looked up" in str(error)


def test_cloud_uses_api_name_and_login_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving_to(monkeypatch, ["127.0.0.1"])
    with (
        RawServer(GOOD, json_answer(None)) as server,
        client_of(server, host="na.myconnectwise.net") as client,
    ):
        assert ask(client) == [1]
        assert client.company("acme") is None
    assert asked == ["api-na.myconnectwise.net", "na.myconnectwise.net"]


@pytest.mark.parametrize("status", [401, 404])
def test_cloud_401_and_404_mention_company_and_keys(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, ["127.0.0.1"])
    with (
        RawServer(answer(status)) as server,
        client_of(server, host="na.myconnectwise.net") as client,
    ):
        params = str(failure(client))
    assert f"answered {status}" in params
    assert "company" in params
    assert "keys" in params


def test_own_authority_is_trusted_by_file(certificates: Certificates) -> None:
    with (
        RawServer(GOOD, tls=server_context(certificates)) as server,
        client_of(server, scheme="https", ca_file=str(certificates.authority)) as client,
    ):
        assert [ask(client), ask(client)] == [[1], [1]]
    assert server.connection_count == 1


def test_unknown_authority_is_refused_before_sending(
    certificates: Certificates,
) -> None:
    with (
        RawServer(GOOD, tls=server_context(certificates)) as server,
        client_of(server, scheme="https") as client,
    ):
        error = failure(client)
    assert isinstance(error, CertificateError)
    assert f"the certificate of 127.0.0.1:{server.port} was not accepted: unable to" in str(error)
    assert (server.requests, server.connection_count) == ([], 1)


@pytest.mark.parametrize("host", ["cw.example.com", "api-na.myconnectwise.net"])
@pytest.mark.rule("C6")
def test_certificate_must_name_host_despite_pinned_address(
    host: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, ["127.0.0.1"])
    with (
        RawServer(GOOD, tls=server_context(certificates)) as server,
        client_of(server, scheme="https", host=host, ca_file=str(certificates.authority)) as client,
    ):
        error = failure(client)
    assert isinstance(error, CertificateError)
    assert f"Hostname mismatch, certificate is not valid for '{host}'" in str(error)
    assert (server.requests, server.connection_count) == ([], 1)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_unusable_ca_file_is_reported(content: str | None, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with (
        RawServer(GOOD) as server,
        client_of(server, scheme="https", ca_file=str(ca_file)) as client,
    ):
        error = failure(client)
    assert isinstance(error, CertificateError)
    assert f"the CA file {ca_file} cannot be used" in str(error)
    assert server.connection_count == 0


def test_a_port_without_tls_is_reported() -> None:
    with (
        RawServer(GOOD, greeting=b"SSH-2.0-OpenSSH_9.2p1\r\n") as server,
        client_of(server, scheme="https", retry=ONCE) as client,
    ):
        error = failure(client)
    assert f"127.0.0.1:{server.port} does not speak https at this port" in str(error)


def everything_told_by(error: BaseException) -> str:
    params = [*traceback.format_exception(error)]
    chained: BaseException | None = error
    while chained is not None:
        params += [str(chained), repr(chained), repr(chained.args)]
        chained = chained.__cause__ or chained.__context__
    return "\n".join(params)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("quote_as", [str, repr, "json"])
def test_private_key_is_in_no_error(status: int, quote_as: Any) -> None:
    def echo(connection: socket.socket, over: threading.Event) -> None:
        sent = server.requests[-1] + PRIVATE_KEY
        body = json_answer({"message": sent}) if quote_as == "json" else quote_as(sent).encode()
        connection.sendall(answer(status, body, {"Location": "/?" + server.requests[-1][-9:-4]}))

    with RawServer(echo) as server, client_of(server, retry=ONCE) as client:
        error = failure(client)
    token = server.requests[0].split("Basic ")[1].split("\r\n")[0]
    params = everything_told_by(error) + repr(client) + repr(CREDENTIALS)
    for secret in (PRIVATE_KEY, repr(PRIVATE_KEY)[1:-1], token):
        assert secret not in params


def test_cut_message_shows_no_part_of_key() -> None:
    page = f"<title>{'x' * 270}{PRIVATE_KEY}</title>".encode()
    with (
        RawServer(answer(400, page, {"Content-Type": "text/html"})) as server,
        client_of(server, retry=ONCE) as client,
    ):
        said = str(failure(client))

    assert "xxx" in said
    assert PRIVATE_KEY[:3] not in said
