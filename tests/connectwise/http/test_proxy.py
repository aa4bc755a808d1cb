"""A proxy as the only way out: only for the hosts that the operator lists."""

import threading
from base64 import b64encode

import pytest

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.client import ConnectWiseClient, Credentials
from exports.connectwise.http.errors import (
    AddressBlockedError,
    CertificateError,
    StoppedError,
    UnreachableError,
)
from exports.connectwise.http.proxy import Route, parse_proxy, parse_proxy_host
from tests.demo.certificates import Certificates, make_certificates

from .clients import HASTY, ONCE, ask, client_of, failure, server_context
from .connect_proxy import ConnectProxy
from .raw_server import RawServer, json_answer, silent

GOOD = json_answer([{"id": 1}])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("proxy"))


def route_by(port: int, *hosts: str, user: str = "") -> Route:
    return Route(parse_proxy(f"http://{user}127.0.0.1:{port}", list(hosts)))


def test_listed_host_is_called_through_the_proxy(certificates: Certificates) -> None:
    with (
        RawServer(GOOD, tls=server_context(certificates)) as server,
        ConnectProxy(server.port) as proxy,
        client_of(
            server,
            scheme="https",
            ca_file=str(certificates.authority),
            route=route_by(proxy.port, "127.0.0.1", user="me:p%40ss@"),
        ) as client,
    ):
        assert ask(client) == [1]
        assert ask(client) == [1]

    assert proxy.targets == [f"127.0.0.1:{server.port}"]
    token = b64encode(b"me:p@ss").decode()
    assert f"Proxy-Authorization: Basic {token}\r\n" in proxy.heads[0]
    assert "clientId" not in proxy.heads[0]
    assert "Proxy-Authorization" not in server.requests[0]


def test_certificates_are_checked_through_the_proxy(certificates: Certificates) -> None:
    with (
        RawServer(GOOD, tls=server_context(certificates)) as server,
        ConnectProxy(server.port) as proxy,
        client_of(
            server,
            scheme="https",
            host="api-na.myconnectwise.net",
            ca_file=str(certificates.authority),
            route=route_by(proxy.port, "*.myconnectwise.net"),
        ) as client,
    ):
        error = failure(client)

    assert isinstance(error, CertificateError)
    assert proxy.targets == [f"api-na.myconnectwise.net:{server.port}"]
    assert server.requests == []


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254"])
def test_forbidden_address_is_refused_although_listed(host: str) -> None:
    with (
        RawServer(GOOD) as server,
        ConnectProxy(server.port) as proxy,
        client_of(
            443,
            scheme="https",
            host=host,
            policy=AddressPolicy(),
            route=route_by(proxy.port, host),
        ) as client,
    ):
        error = failure(client)

    assert isinstance(error, AddressBlockedError)
    assert proxy.heads == []


@pytest.mark.parametrize("host", ["myconnectwise.net", "evilmyconnectwise.net", "cw.test.invalid"])
def test_other_hosts_are_called_directly(host: str) -> None:
    with (
        RawServer(GOOD) as server,
        ConnectProxy(server.port) as proxy,
        client_of(
            443,
            scheme="https",
            host="127.0.0.1",
            policy=AddressPolicy(),
            route=route_by(proxy.port, "*.myconnectwise.net"),
        ) as client,
    ):
        assert isinstance(failure(client), AddressBlockedError)

    assert proxy.heads == []
    assert not route_by(1, "*.myconnectwise.net").proxy_for("https", host)


def test_direct_failure_names_the_hosts_setting() -> None:
    with ConnectProxy(9) as proxy, RawServer() as closed:
        port = closed.port
    route = route_by(proxy.port, "*.myconnectwise.net")
    with client_of(port, scheme="https", route=route, retry=ONCE) as client:
        assert "CWEXPORT_PROXY_HOSTS" in str(failure(client))


@pytest.mark.parametrize(
    ("status", "said", "tries"),
    [
        (407, "did not accept the user and password of CWEXPORT_PROXY", 1),
        (403, "it answered 403", 1),
        (503, "it answered 503", 5),
    ],
)
def test_error_of_the_proxy_is_named(status: int, said: str, tries: int) -> None:
    with (
        ConnectProxy(9, status=status) as proxy,
        client_of(
            443,
            scheme="https",
            host="na.myconnectwise.net",
            route=route_by(proxy.port, "*.myconnectwise.net", user="me:secretpass@"),
        ) as client,
    ):
        error = failure(client)

    assert isinstance(error, UnreachableError)
    assert said in str(error)
    assert f"127.0.0.1:{proxy.port}" in str(error)
    assert "secretpass" not in f"{error!r} {client!r} {error.__cause__!r}"
    assert len(proxy.heads) == tries


def test_proxy_that_is_down_is_named() -> None:
    with RawServer() as closed:
        port = closed.port
    route = route_by(port, "*.myconnectwise.net")
    with client_of(
        443, scheme="https", host="na.myconnectwise.net", route=route, retry=ONCE
    ) as client:
        said = str(failure(client))
    assert f"the proxy 127.0.0.1:{port}" in said
    assert "CWEXPORT_PROXY" in said


def test_proxy_that_is_none_is_named() -> None:
    with (
        RawServer(lambda connection, _over: connection.sendall(b"SSH-2.0\r\n\r\n")) as other,
        client_of(
            443,
            scheme="https",
            host="na.myconnectwise.net",
            route=route_by(other.port, "*.myconnectwise.net"),
            retry=ONCE,
        ) as client,
    ):
        assert "did not answer as a proxy" in str(failure(client))


def silent_proxy_client(server: RawServer, **options: object) -> ConnectWiseClient:
    return client_of(
        443,
        scheme="https",
        host="na.myconnectwise.net",
        route=route_by(server.port, "*.myconnectwise.net"),
        retry=ONCE,
        **options,
    )


def test_silent_proxy_is_given_up_or_stopped() -> None:
    stopped = threading.Event()

    def stop_then_wait(connection: object, over: threading.Event) -> None:
        stopped.set()
        over.wait(30)

    with RawServer(silent) as server, silent_proxy_client(server, limits=HASTY) as client:
        assert isinstance(failure(client), UnreachableError)
    with (
        RawServer(stop_then_wait) as server,
        silent_proxy_client(server, stop=stopped.is_set) as client,
    ):
        assert isinstance(failure(client), StoppedError)


def test_ignored_environment_is_named_when_nothing_is_reached() -> None:
    with RawServer() as closed:
        port = closed.port
    for is_ignored in (True, False):
        route = Route(is_environment_ignored=is_ignored)
        with client_of(port, scheme="https", route=route, retry=ONCE) as client:
            assert ("CWEXPORT_PROXY" in str(failure(client))) is is_ignored


@pytest.mark.parametrize(
    "text",
    [
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "http://proxy",
        "http://proxy:0",
        "http://proxy:3128/path",
        "http://:3128",
    ],
)
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a proxy$"):
        parse_proxy(text, [])


@pytest.mark.parametrize("text", ["*", "*.", "*.net", "*.*.net", "a.*.net", ""])
def test_list_of_everything_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a host"):
        parse_proxy_host(text)


def test_password_of_the_proxy_is_not_shown() -> None:
    proxy = parse_proxy("http://me:secretpass@proxy:3128", [])

    assert "secretpass" not in f"{proxy!r} {proxy}"
    assert proxy.authorization.split()[1] not in f"{proxy!r} {Credentials('', '', '', '')!r}"
