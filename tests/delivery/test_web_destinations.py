"""Deliveries by WebDAV and HTTPS upload, to real servers that also fail (D1, D4)."""

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
from tests.delivery.web_servers import PASSWORD, TOKEN, USER, DavSink, UploadSink
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    short = network_faults.Limits(connect=2, read=2, total=60, max_body_bytes=2_000_000)
    monkeypatch.setattr(network_faults, "_LIMITS", short)


@pytest.fixture
def uploads() -> Iterator[UploadSink]:
    with UploadSink().running() as running:
        yield running


@pytest.fixture
def dav(tmp_path: Path) -> Iterator[DavSink]:
    (tmp_path / "dav" / "in").mkdir(parents=True)
    with DavSink(tmp_path / "dav").running() as running:
        yield running


def to_dav(dav: DavSink, password: str = PASSWORD) -> Destination:
    return make_destination("webdav", {"url": dav.url, "user": USER}, {"password": password})


def to_upload(uploads: UploadSink, path: str = "/in/", **address: object) -> Destination:
    secrets = {"token": TOKEN, "headers": "X-Customer: acme"}
    return make_destination("https", {"url": uploads.url + path, **address}, secrets)


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


@pytest.mark.rule("D4")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("refuse", "delivery.not_permitted"),
        ("full", "delivery.disk_full"),
        ("truncate", "delivery.not_as_sent"),
    ],
)
def test_webdav_fault_is_made_good(dav: DavSink, task: Task, fault: str, code: str) -> None:
    deliver_only_to(to_dav(dav), task)
    run = execute(task)
    dav.fault = fault
    send_due()
    assert (delivery_of(run).state, delivery_of(run).error_code) == ("waiting", code)
    assert names_in(dav.root / "in") == []
    dav.fault = ""
    retry_now()

    assert (dav.root / "in" / "batches.xml").read_bytes() == content_of(run)


@pytest.mark.rule("D1")
def test_upload_test_sends_and_removes_a_file(uploads: UploadSink) -> None:
    assert outcomes(to_upload(uploads)) == ["passed"] * 3
    assert uploads.files == {}
    sent = uploads.headers[0]
    assert (sent["Authorization"], sent["X-Customer"]) == (f"Bearer {TOKEN}", "acme")


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("PUT", "/in/", "/in/batches.xml"),
        ("POST", "/take", "/take"),
        ("POST", "/take?name={file}", "/take?name=batches.xml"),
    ],
)
def test_upload_names_the_file(
    uploads: UploadSink, task: Task, method: str, path: str, found: str
) -> None:
    deliver_only_to(to_upload(uploads, path, method=method), task)
    run = execute(task)
    send_due()

    assert delivery_of(run).state == "delivered"
    assert uploads.files == {found: content_of(run)}
    assert uploads.headers[0]["Content-SHA256"] == run.file_sha256


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("drop", "delivery.unreachable"),
        ("hang", "delivery.unreachable"),
        ("refuse", "delivery.not_permitted"),
        ("full", "delivery.disk_full"),
        ("key", "delivery.login_refused"),
        ("redirect", "delivery.rejected"),
    ],
)
def test_upload_fault_is_made_good(uploads: UploadSink, task: Task, fault: str, code: str) -> None:
    deliver_only_to(to_upload(uploads), task)
    run = execute(task)
    uploads.fault = fault
    send_due()
    row = delivery_of(run)
    assert (row.state, row.error_code, uploads.files) == ("waiting", code, {})
    assert TOKEN not in row.error
    uploads.fault = ""
    retry_now()

    assert uploads.files == {"/in/batches.xml": content_of(run)}


def test_changed_file_is_no_upload(uploads: UploadSink, task: Task) -> None:
    deliver_only_to(to_upload(uploads), task)
    run = execute(task)
    content = content_of(run)
    run_file(run).write_bytes(content[:-1] + b"x")
    send_due()

    assert delivery_of(run).error_code == "delivery.file_changed"
    assert uploads.files == {}


@pytest.mark.rule("C6")
def test_private_addresses_get_no_upload(
    uploads: UploadSink, task: Task, settings: Settings
) -> None:
    deliver_only_to(to_upload(uploads), task)
    run = execute(task)
    settings.CWEXPORT_ALLOWED_NETWORKS = []
    send_due()

    assert delivery_of(run).error_code == "delivery.address_blocked"
    assert uploads.files == {}
