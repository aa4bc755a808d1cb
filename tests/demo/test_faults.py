"""Every fault as a client sees it."""

import gzip
import http.client
import socket
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from exports.demo import wires
from exports.demo.answers import ANY, COUNT, LIST, SYSTEM
from exports.demo.faults import (
    LOGIN_PAGE,
    Body,
    ClockSkew,
    CountOffset,
    Delay,
    GzipBomb,
    Header,
    LinkTo,
    Nothing,
    PageSizeLimit,
    Recode,
    Redirect,
    Reorder,
    RepeatRows,
    SamePageForever,
    Sending,
    Status,
    no_date_header,
    no_link_header,
)
from exports.demo.server import StandIn
from tests.demo.asking import BATCHES, Reply, ask

TRUE_COUNT = b'{"count":120}'


def count(stand_in: StandIn) -> Reply:
    return ask(stand_in, f"{BATCHES}/count")


def walk(stand_in: StandIn, page_size: int, page_count: int) -> list[list[int]]:
    """The ids of this many pages, requested by id."""
    last_id, pages = 0, []
    for _ in range(page_count):
        pages.append(ask(stand_in, conditions=f"id > {last_id}", pageSize=page_size).ids)
        last_id = max(pages[-1], default=last_id)
    return pages


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 502, 503, 504, 599])
def test_any_status_with_any_body(stand_in: StandIn, code: int) -> None:
    stand_in.faults.add(Status(code, LOGIN_PAGE, "text/html"))
    reply = count(stand_in)
    assert (reply.status, reply.body) == (code, LOGIN_PAGE)
    assert reply.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("text", ["3", "0", "-5", "abc", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after_may_be_any_text(stand_in: StandIn, text: str) -> None:
    stand_in.faults.add(Status(429, retry_after=text))
    assert count(stand_in).headers["Retry-After"] == text


def test_fault_hits_only_its_calls(stand_in: StandIn) -> None:
    lists = stand_in.faults.add(Status(503, on=(LIST,), after=1, times=2))
    system = stand_in.faults.add(Status(403, on=(SYSTEM,)))
    third_page = stand_in.faults.add(Status(500, when=lambda call: call.query.get("page") == "3"))
    assert [ask(stand_in).status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert count(stand_in).status == 200
    assert ask(stand_in, "/system/info").status == 403
    assert [ask(stand_in, page=page).status for page in (2, 3, 4)] == [200, 500, 200]
    assert [fault.struck_count for fault in (lists, system, third_page)] == [2, 1, 1]
    stand_in.faults.clear()
    assert ask(stand_in, page=3).status == 200


def test_a_fault_can_be_on_for_a_while(stand_in: StandIn) -> None:
    other = stand_in.faults.add(Status(503, on=(LIST,)))
    with stand_in.faults.on(Status(503, on=(LIST,))) as fault:
        assert ask(stand_in).status == 503
    stand_in.faults.remove(other)
    assert ask(stand_in).status == 200
    assert fault.struck_count == 1


@pytest.mark.parametrize(
    "content", [LOGIN_PAGE, b"null", b"{}", b'{"code":"Security"}', b"", b"[NaN]", b"\xff\xfe\x00"]
)
def test_something_else_with_status_200(stand_in: StandIn, content: bytes) -> None:
    stand_in.faults.add(Body(content))
    assert (ask(stand_in).status, ask(stand_in).body) == (200, content)


@pytest.mark.parametrize(
    "recode",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.decode().encode("utf-16"),
        lambda body: body[:-1],
    ],
)
def test_the_true_body_in_other_bytes(stand_in: StandIn, recode: Callable[[bytes], bytes]) -> None:
    true_body = ask(stand_in).body
    stand_in.faults.add(Recode(recode))
    assert ask(stand_in).body == recode(true_body)


def test_a_redirect_names_another_address(stand_in: StandIn) -> None:
    stand_in.faults.add(Redirect("http://127.0.0.1:9/", 307))
    reply = ask(stand_in)
    assert (reply.status, reply.headers["Location"], reply.body) == (
        307,
        "http://127.0.0.1:9/",
        b"",
    )


def test_headers_are_set_or_omitted(stand_in: StandIn) -> None:
    stand_in.faults.add(Header("Set-Cookie", "session=1"))
    stand_in.faults.add(no_link_header())
    assert ask(stand_in).headers["Date"]
    stand_in.faults.add(no_date_header())
    headers = ask(stand_in).headers
    assert (headers["Set-Cookie"], headers["Link"], headers["Date"]) == ("session=1", None, None)
    assert ask(stand_in, "/system/info").headers["Date"] is None


def test_the_link_names_another_host(stand_in: StandIn) -> None:
    true_link = ask(stand_in).headers["Link"]
    stand_in.faults.add(LinkTo("https://na.example.com"))
    link = ask(stand_in).headers["Link"]
    assert link == true_link.replace(stand_in.url, "https://na.example.com")
    assert stand_in.url not in link


@pytest.mark.parametrize("seconds", [600, -600])
def test_the_servers_clock_is_off(stand_in: StandIn, seconds: int) -> None:
    stand_in.faults.add(ClockSkew(seconds))
    for params in (parsedate_to_datetime(count(stand_in).headers["Date"]), stand_in.now()):
        assert abs(params - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=60)


def test_a_page_may_be_shorter_than_asked_for(stand_in: StandIn) -> None:
    stand_in.faults.add(PageSizeLimit(25))
    ids = stand_in.store.ids
    assert ask(stand_in, pageSize=1000).ids == ids[:25]
    assert ask(stand_in, pageSize=1000, page=2).ids == ids[25:50]
    assert ask(stand_in, pageSize=10).ids == ids[:10]
    assert [len(page) for page in walk(stand_in, 1000, 6)] == [25, 25, 25, 25, 20, 0]


def test_the_same_page_for_ever(stand_in: StandIn) -> None:
    stand_in.faults.add(SamePageForever())
    first = ask(stand_in, pageSize=10)
    assert first.ids == stand_in.store.ids[:10]
    later = ask(stand_in, pageSize=10, page=99, conditions="id > 1000000")
    assert (later.body, later.headers["Link"]) == (first.body, first.headers["Link"])
    assert count(stand_in).body == TRUE_COUNT


def test_pages_repeat_rows_of_the_page_before(stand_in: StandIn) -> None:
    stand_in.faults.add(RepeatRows(10))
    ids = stand_in.store.ids
    pages = [ids[:50], ids[40:90], ids[80:], []]
    assert walk(stand_in, 50, 4) == pages
    assert walk(stand_in, 50, 4) == pages


def test_rows_come_in_another_order(stand_in: StandIn) -> None:
    ids = stand_in.store.ids
    with stand_in.faults.on(Reorder()):
        assert ask(stand_in).ids == ids[24::-1]
    with stand_in.faults.on(Reorder(lambda rows: [*rows[1:], stand_in.store.row(ids[-1])])):
        assert ask(stand_in).ids == [*ids[1:25], ids[-1]]


def test_the_count_is_wrong(stand_in: StandIn) -> None:
    stand_in.faults.add(CountOffset(3))
    assert count(stand_in).body == b'{"count":123}'
    assert len(ask(stand_in, pageSize=1000).json) == 120


def test_rights_are_lost_without_an_error(stand_in: StandIn) -> None:
    with stand_in.faults.on(Nothing()):
        reply = ask(stand_in)
        assert (reply.status, reply.body, reply.headers["Link"]) == (200, b"[]", None)
        assert count(stand_in).body == b'{"count":0}'
    with stand_in.faults.on(Nothing(on=(LIST,))):
        assert (ask(stand_in).body, count(stand_in).body) == (b"[]", TRUE_COUNT)


def test_an_answer_may_be_late(stand_in: StandIn) -> None:
    stand_in.faults.add(Delay(0.2, times=1))
    started_at = time.monotonic()
    assert count(stand_in).body == TRUE_COUNT
    assert time.monotonic() - started_at >= 0.2


def test_the_answer_may_never_come(stand_in: StandIn) -> None:
    stand_in.faults.add(Sending(wires.never_answer, times=1))
    with pytest.raises(TimeoutError):
        ask(stand_in, timeout=0.2)
    assert count(stand_in).body == TRUE_COUNT


@pytest.mark.parametrize("kind", [wires.drip_headers, wires.drip_body])
def test_an_answer_may_drip(stand_in: StandIn, kind: Callable[[float], wires.Sender]) -> None:
    stand_in.faults.add(Sending(kind(0.001)))
    assert count(stand_in).body == TRUE_COUNT


def test_dripping_headers_delay_the_status(stand_in: StandIn) -> None:
    stand_in.faults.add(Sending(wires.drip_headers(0.05)))
    with socket.create_connection(("127.0.0.1", stand_in.port), timeout=60) as connection:
        connection.sendall(b"GET /v4_6_release/apis/3.0%s HTTP/1.1\r\n\r\n" % BATCHES.encode())
        received = connection.recv(100)
    assert received == b"H"


def test_a_dripping_body_comes_after_whole_headers(stand_in: StandIn) -> None:
    stand_in.faults.add(Sending(wires.drip_body(0.05)))
    with socket.create_connection(("127.0.0.1", stand_in.port), timeout=60) as connection:
        connection.sendall(b"GET /v4_6_release/apis/3.0%s HTTP/1.1\r\n\r\n" % BATCHES.encode())
        received = connection.recv(10_000)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert len(body) <= 1


@pytest.mark.parametrize("how", [wires.cut_body, wires.cut_chunk])
def test_a_body_may_be_cut_short(stand_in: StandIn, how: wires.Sender) -> None:
    whole = ask(stand_in).body
    stand_in.faults.add(Sending(how))
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(stand_in)
    assert whole.startswith(cut.value.partial)
    assert len(cut.value.partial) <= len(whole) // 2


def test_a_connection_may_be_reset(stand_in: StandIn) -> None:
    stand_in.faults.add(Sending(wires.reset, times=1))
    with pytest.raises(ConnectionResetError):
        count(stand_in)
    assert count(stand_in).body == TRUE_COUNT


def test_a_small_compressed_body_becomes_a_large_one(stand_in: StandIn) -> None:
    stand_in.faults.add(GzipBomb(megabytes=3))
    reply = ask(stand_in)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(reply.body) == b"[" + b" " * 3 * 2**20 + b"]"


def test_a_gigabyte_fits_a_megabyte(stand_in: StandIn) -> None:
    stand_in.faults.add(GzipBomb())
    body = ask(stand_in).body
    assert len(body) < 1.1 * 2**20
    decompressor = zlib.decompressobj(wbits=31)
    length = 0
    while not decompressor.eof:
        length += len(decompressor.decompress(body, 2**24))
        body = decompressor.unconsumed_tail
    assert length == 2**30 + 2


def test_faults_can_be_combined(stand_in: StandIn) -> None:
    stand_in.faults.add(Status(429, retry_after="1"))
    stand_in.faults.add(Header("Retry-After", "2", on=ANY))
    stand_in.faults.add(Sending(wires.drip_body(0), on=(COUNT,)))
    reply = count(stand_in)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "2")
