"""Deliveries to S3-compatible storage, moto's server (D1, D4)."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from exports.delivery.kinds import s3
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
from tests.run_files import run_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3 and moto warn of their own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
KEYS = {"aws_access_key_id": "acme-id", "aws_secret_access_key": "acme-secret-key-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def storage(server: str, settings: Settings) -> Iterator[Any]:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", **KEYS)
    client.create_bucket(Bucket="batches")
    yield client
    for key in keys_in(client):
        client.delete_object(Bucket="batches", Key=key)
    client.delete_bucket(Bucket="batches")
    client.close()


def keys_in(client: Any) -> list[str]:
    found = client.list_objects_v2(Bucket="batches").get("Contents", [])
    return [one["Key"] for one in found]


def to_bucket(server: str, **changed: object) -> Destination:
    address = {
        "endpoint": server,
        "region": "us-east-1",
        "bucket": "batches",
        "prefix": "acme/",
        "access_key": "acme-id",
    }
    return make_destination("s3", {**address, **changed}, {"secret_key": "acme-secret-key-1"})


@pytest.mark.rule("D1")
def test_storage_test_writes_and_removes_a_file(server: str, storage: Any) -> None:
    assert outcomes(to_bucket(server)) == ["passed"] * 3
    assert keys_in(storage) == []


def test_missing_bucket_is_told(server: str, storage: Any) -> None:
    destination = to_bucket(server, bucket="nowhere")
    outcomes(destination)

    assert destination.last_test_steps[0]["code"] == "delivery.folder_missing"


@pytest.mark.rule("D4")
def test_file_is_put_with_its_checksum(server: str, storage: Any, task: Task) -> None:
    deliver_only_to(to_bucket(server), task, "{run}.xml")
    run = execute(task)
    send_due()

    row = delivery_of(run)
    assert (row.state, row.error, row.compared) == ("delivered", "", "hash")
    found = storage.get_object(Bucket="batches", Key=f"acme/{run.pk}.xml")["Body"].read()
    assert found == content_of(run)


def test_newer_file_replaces_the_older_one(server: str, storage: Any, task: Task) -> None:
    deliver_only_to(to_bucket(server), task)
    execute(task)
    send_due()
    task.include_extra_fields = True
    task.save()
    newer = execute(task)
    send_due()

    found = storage.get_object(Bucket="batches", Key="acme/batches.xml")["Body"].read()
    assert found == content_of(newer)


@pytest.mark.rule("D4")
def test_large_file_goes_in_parts(
    server: str, storage: Any, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "WHOLE_UP_TO", 1000)
    monkeypatch.setattr(s3, "PART_SIZE", 5 << 20)
    deliver_only_to(to_bucket(server), task)
    run = execute(task)
    send_due()

    assert (delivery_of(run).state, delivery_of(run).compared) == ("delivered", "size")
    found = storage.get_object(Bucket="batches", Key="acme/batches.xml")["Body"].read()
    assert found == content_of(run)


def test_failed_parts_leave_nothing_behind(
    server: str, storage: Any, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "WHOLE_UP_TO", 1000)
    deliver_only_to(to_bucket(server), task)
    run = execute(task)
    content = content_of(run)
    run_file(run).write_bytes(content[:-1] + b"x")
    send_due()

    assert delivery_of(run).error_code == "delivery.file_changed"
    assert keys_in(storage) == []
    assert "Uploads" not in storage.list_multipart_uploads(Bucket="batches")
    run_file(run).write_bytes(content)
    retry_now()
    assert keys_in(storage) == ["acme/batches.xml"]


@pytest.mark.rule("C6")
def test_private_storage_is_not_called(
    server: str, storage: Any, task: Task, settings: Settings
) -> None:
    deliver_only_to(to_bucket(server), task)
    run = execute(task)
    settings.CWEXPORT_ALLOWED_NETWORKS = []
    send_due()

    assert delivery_of(run).error_code == "delivery.address_blocked"
    assert keys_in(storage) == []
