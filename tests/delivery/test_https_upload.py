"""Deliveries by HTTPS upload, to a real server that also fails (D1, D4)."""

from collections.abc import Iterator
from ipaddress import ip_network

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
    outcomes,
)
from tests.delivery.upload_server import TOKEN, UploadSink
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


def to_upload(uploads: UploadSink, path: str = "/in/", **address: object) -> Destination:
    secrets = {"token": TOKEN, "headers": "X-Customer: acme"}
    return make_destination("https", {"url": uploads.url + path, **address}, secrets)


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
