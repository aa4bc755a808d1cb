"""Deliveries by WebDAV, to a real server that also fails (D1, D4)."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.delivery import network_faults
from exports.delivery.sending import send_due
from exports.models import Destination, Task
from tests.delivery.deliveries import delivery_of, retry_now
from tests.delivery.destinations import (
    content_of,
    deliver_only_to,
    execute,
    make_destination,
    names_in,
    outcomes,
)
from tests.delivery.webdav_server import PASSWORD, USER, DavSink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    short = network_faults.Limits(connect=2, read=2, total=60, max_body_bytes=2_000_000)
    monkeypatch.setattr(network_faults, "_LIMITS", short)


@pytest.fixture
def dav(tmp_path: Path) -> Iterator[DavSink]:
    (tmp_path / "dav" / "in").mkdir(parents=True)
    with DavSink(tmp_path / "dav").running() as running:
        yield running


def to_dav(dav: DavSink, password: str = PASSWORD) -> Destination:
    return make_destination("webdav", {"url": dav.url, "user": USER}, {"password": password})


@pytest.mark.rule("D1")
def test_webdav_test_writes_and_removes_a_file(dav: DavSink) -> None:
    assert outcomes(to_dav(dav)) == ["passed"] * 4
    assert names_in(dav.root / "in") == []


def test_webdav_tells_a_wrong_password(dav: DavSink) -> None:
    destination = to_dav(dav, "wrong-password-1")
    assert outcomes(destination)[0] == "failed"
    assert destination.last_test_steps[0]["code"] == "delivery.login_refused"


@pytest.mark.rule("D4")
def test_webdav_file_replaces_the_older(dav: DavSink, task: Task) -> None:
    deliver_only_to(to_dav(dav), task)
    (dav.root / "in" / "batches.xml").write_bytes(b"older")
    run = execute(task)
    send_due()

    assert delivery_of(run).state == "delivered"
    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)
    assert names_in(dav.root / "in") == ["batches.xml"]


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("PUT refuse", "delivery.not_permitted", "lets this user write nothing there (403)"),
        ("PUT full", "delivery.disk_full", "has no room left (507)"),
        ("PUT truncate", "delivery.not_as_sent", "bytes, "),
        ("PUT drop", "delivery.unreachable", "closed the connection before it had answered"),
        ("PUT hang", "delivery.unreachable", "did not answer in time"),
        ("PUT lose", "delivery.unreachable", "closed the connection before it had answered"),
        ("HEAD refuse", "delivery.not_permitted", "(403)"),
        ("HEAD drop", "delivery.unreachable", "closed the connection"),
        ("PROPFIND hang", "delivery.unreachable", "did not answer in time"),
    ],
)
def test_webdav_fault_leaves_nothing_and_is_made_good(
    dav: DavSink, task: Task, fault: str, code: str, words: str
) -> None:
    deliver_only_to(to_dav(dav), task)
    run = execute(task)
    dav.method, dav.fault = fault.split()
    send_due()
    row = delivery_of(run)
    assert (row.state, row.error_code) == ("waiting", code)
    assert words in row.error
    assert names_in(dav.root / "in") == []
    dav.fault = ""
    retry_now()

    assert names_in(dav.root / "in") == ["batches.xml"]
    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("refuse", "delivery.not_permitted"),
        ("full", "delivery.disk_full"),
        # The server says that all went well but for a status within its answer.
        ("locked", "delivery.not_written"),
        ("drop", "delivery.unreachable"),
        ("hang", "delivery.unreachable"),
    ],
)
def test_webdav_file_not_moved_is_moved_later(
    dav: DavSink, task: Task, fault: str, code: str
) -> None:
    deliver_only_to(to_dav(dav), task)
    run = execute(task)
    dav.method, dav.fault = "MOVE", fault
    send_due()
    row = delivery_of(run)
    assert (row.state, row.error_code) == ("waiting", code)
    assert names_in(dav.root / "in") == [row.temp_name]
    dav.fault = ""
    retry_now()

    assert delivery_of(run).state == "delivered"
    assert names_in(dav.root / "in") == ["batches.xml"]
    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)


@pytest.mark.rule("D3")
def test_webdav_file_that_was_picked_up_stays_away(dav: DavSink, task: Task) -> None:
    deliver_only_to(to_dav(dav), task)
    run = execute(task)
    dav.method, dav.fault = "MOVE", "lose"
    send_due()
    assert delivery_of(run).state == "waiting"
    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)
    (dav.root / "in" / "batches.xml").unlink()
    dav.fault = ""
    retry_now()

    assert (delivery_of(run).state, delivery_of(run).compared) == ("delivered", "")
    assert names_in(dav.root / "in") == []


@pytest.mark.rule("D4")
def test_webdav_server_may_keep_sizes_to_itself(dav: DavSink, task: Task) -> None:
    dav.method, dav.fault = "HEAD", "untold"
    destination = to_dav(dav)
    assert outcomes(destination) == ["passed"] * 4
    deliver_only_to(destination, task)
    run = execute(task)
    send_due()

    assert (delivery_of(run).state, delivery_of(run).compared) == ("delivered", "")
    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)


def test_webdav_remains_of_a_killed_try_are_removed(dav: DavSink, task: Task) -> None:
    deliver_only_to(to_dav(dav), task)
    run = execute(task)
    row = delivery_of(run)
    assert row.take("killed while it sent")
    remains = f".cwexport-{row.pk}-{run.file_sha256[:8]}-0a1b2c3d.part"
    for name in (remains, ".cwexport-77-0a1b2c3d-0a1b2c3d.part"):
        (dav.root / "in" / name).write_bytes(b"half")
    retry_now()

    assert names_in(dav.root / "in") == [".cwexport-77-0a1b2c3d-0a1b2c3d.part", "batches.xml"]
