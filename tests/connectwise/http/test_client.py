"""What the client sends, how it reads good answers, and when it asks again (H1, H2, H5)."""

import dataclasses
import random
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exports.connectwise.http.client import CompanyInfo, RetryPolicy, full_url_length
from exports.connectwise.http.errors import (
    AuthenticationError,
    ServerFailedError,
    ThrottledError,
    UnreachableError,
    WrongShapeError,
)
from exports.connectwise.http.retries import parse_http_date, retry_after_seconds
from exports.connectwise.http.sites import parse_site

from .clients import CREDENTIALS, client_of
from .raw_server import RawServer, answer, closing, gzip_answer, json_answer

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BATCHES = "/v4_6_release/apis/3.0/finance/accounting/batches"


class LowestChance(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


class HighestChance(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_page_request_sends_all_parameters_and_credentials() -> None:
    with RawServer(json_answer([])) as server, client_of(server) as client:
        client.batches('a = "ü &+#" and id > 0', page_size=1000)
    request, *headers = server.requests[0].rstrip("\r\n").split("\r\n")
    assert request == (
        f"GET {BATCHES}?conditions=a%20%3D%20%22%C3%BC%20%26%2B%23%22%20and%20id%20%3E%200"
        "&orderBy=id%20asc&page=1&pageSize=1000 HTTP/1.1"
    )
    token = b64encode('acme+public:pK-"é&<9\\z'.encode()).decode()
    assert sorted(headers) == [
        "Accept-Encoding: gzip",
        "Accept: application/vnd.connectwise.com+json; version=2025.8",
        f"Authorization: Basic {token}",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: cwexport",
        "clientId: 11111111-2222-3333-4444-555555555555",
    ]


def test_without_conditions_the_parameter_is_omitted() -> None:
    with RawServer(json_answer([])) as server, client_of(server) as client:
        client.batches("", page_size=1, order_by="id desc", page=3)
    assert server.targets == [f"{BATCHES}?orderBy=id%20desc&page=3&pageSize=1"]


@pytest.mark.parametrize("wrap", [lambda body: answer(body=body), gzip_answer])
def test_page_holds_records_as_sent(wrap: Any) -> None:
    body = b'[{"id": 7, "amount": 1000.000000, "_info": {"a": "b"}}, {"id": 3}]'
    with RawServer(wrap(body)) as server, client_of(server) as client:
        page = client.batches("", page_size=2)
    assert page.ids == [7, 3]
    assert page.records == [{"id": "7", "amount": "1000.000000", "_info": {"a": "b"}}, {"id": "3"}]
    assert page.server_date is None
    assert page.url == f"http://127.0.0.1:{server.port}{server.targets[0]}"
    assert 0 < page.requested_seconds < 10


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Tue, 24 Nov 2026 12:00:00 GMT", NOON),
        ("Tue, 24 Nov 2026 13:00:00 +0100", NOON),
        ("Tue, 24 Nov 2026 12:00:00 -0000", NOON),
        ("Tue, 99 Nov 2026 12:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_header_is_read_and_nonsense_survived(header: str, moment: datetime | None) -> None:
    sent = json_answer([], headers={"Date": header})
    with RawServer(sent) as server, client_of(server) as client:
        assert client.batches("", page_size=1).server_date == moment


def test_one_connection_is_reused_without_cookies() -> None:
    cookie = {"Set-Cookie": "session=1; Path=/"}
    sent = json_answer([{"id": 1}], headers=cookie)
    with RawServer(sent) as server, client_of(server) as client:
        for _ in range(5):
            client.batches("", page_size=1)
    assert (len(server.requests), server.connection_count) == (5, 1)
    assert not [head for head in server.requests if "ookie" in head]


def test_a_connection_the_server_closed_meanwhile_is_replaced() -> None:
    with RawServer(closing(json_answer([]))) as server, client_of(server) as client:
        for _ in range(3):
            client.batches("", page_size=1)
    assert server.connection_count >= 3


def test_proxies_and_passwords_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RawServer() as proxy, RawServer(json_answer([])) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with client_of(server) as client:
            client.batches("", page_size=1)
    assert (len(server.requests), proxy.connection_count) == (1, 0)


def test_batches_are_counted_with_the_same_conditions() -> None:
    with RawServer(json_answer({"count": 284})) as server, client_of(server) as client:
        assert client.batch_count("id > 5") == 284
        assert client.batch_count("") == 284
    assert server.targets == [f"{BATCHES}/count?conditions=id%20%3E%205", f"{BATCHES}/count"]


@pytest.mark.parametrize("count", [None, "284", -1, 1.5, True, [], {}])
def test_count_is_a_whole_number_or_error(count: object) -> None:
    with (
        RawServer(json_answer({"count": count})) as server,
        client_of(server) as client,
        pytest.raises(WrongShapeError, match="instead of the number of batches"),
    ):
        client.batch_count("")


def test_a_company_is_looked_up_without_credentials() -> None:
    known = {
        "CompanyName": "Acme Ltd",
        "Codebase": "v2025_1/",
        "VersionNumber": "v2025.1.12345",
        "CompanyID": "acme",
        "IsCloud": "True",
    }
    with RawServer(json_answer(known)) as server, client_of(server) as client:
        found = client.company("ac/me")
    assert found == CompanyInfo("Acme Ltd", "acme", "v2025_1/", "v2025.1.12345", True, "")
    assert server.targets == ["/login/companyinfo/ac%2Fme"]
    assert "authorization" not in server.requests[0].lower()
    assert "clientid" not in server.requests[0].lower()


@pytest.mark.parametrize("sent", [json_answer(None), json_answer(None, 404), answer(404)])
def test_an_unknown_company_is_none(sent: bytes) -> None:
    with RawServer(sent) as server, client_of(server) as client:
        assert client.company("acme") is None
    assert len(server.requests) == 1


def test_system_info_is_an_object() -> None:
    with RawServer(json_answer({"version": "v2025.1"})) as server, client_of(server) as client:
        assert client.system_info() == {"version": "v2025.1"}
    assert server.targets == ["/v4_6_release/apis/3.0/system/info"]


def test_full_url_length_matches_the_url_sent() -> None:
    conditions = 'batchIdentifier = "ü %" and id > 0'
    with RawServer(json_answer([])) as server, client_of(server) as client:
        page = client.batches(conditions, page_size=250)
        assert full_url_length(client.site, conditions, 250) == len(page.url)
    cloud = parse_site("na.myconnectwise.net", allow_http=False)
    assert full_url_length(cloud, "", 100) == len(
        f"https://api-na.myconnectwise.net{BATCHES}?orderBy=id%20asc&page=1&pageSize=100"
    )


def test_unsendable_client_id_fails_before_any_request() -> None:
    odd = dataclasses.replace(CREDENTIALS, client_id="x\r\nEvil: 1")
    with (
        RawServer() as server,
        client_of(server, credentials=odd) as client,
        pytest.raises(AuthenticationError, match="Client ID holds characters"),
    ):
        client.batches("", page_size=1)
    assert server.connection_count == 0


def unreachable() -> UnreachableError:
    return UnreachableError("p", "a", step="batches")


def throttled(retry_after: float | None) -> ThrottledError:
    error = ThrottledError("p", "a", step="batches", status=429)
    error.retry_after = retry_after
    return error


@pytest.mark.rule("H2")
def test_backoff_doubles_with_full_jitter() -> None:
    low, high = RetryPolicy(jitter=LowestChance()), RetryPolicy(jitter=HighestChance())
    attempts = range(1, 9)
    assert [low.wait_after(n, unreachable()) for n in attempts] == [1] * 8
    assert [high.wait_after(n, unreachable()) for n in attempts] == [3, 9, 27, 60, 60, 60, 60, 60]


def test_throttled_request_waits_as_asked_or_doubles() -> None:
    policy = RetryPolicy(jitter=LowestChance())
    assert [policy.wait_after(n, throttled(None)) for n in (1, 2, 3, 4)] == [30, 60, 120, 240]
    assert [policy.wait_after(1, throttled(asked)) for asked in (0, 3, 300)] == [1, 3, 300]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.rule("H2")
def test_only_recoverable_statuses_are_retried(status: int) -> None:
    policy = RetryPolicy()
    assert policy.may_pass(ServerFailedError("p", "a", step="batches", status=status))
    assert not policy.may_pass(ServerFailedError("p", "a", step="batches", status=501))
    assert policy.may_pass(throttled(300))
    assert not policy.may_pass(throttled(301))
    assert not policy.may_pass(KeyError("id"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("0", 0.0),
        ("400", 400.0),
        ("Tue, 24 Nov 2026 12:00:20 GMT", 20.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("abc", None),
        ("9" * 30, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_date_or_none(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOON) == seconds


def test_an_http_date_comes_out_in_utc() -> None:
    moment = parse_http_date("Tue, 24 Nov 2026 14:00:00 +0200")
    assert moment == NOON
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)
