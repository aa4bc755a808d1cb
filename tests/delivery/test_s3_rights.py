"""Deliveries to S3-compatible storage with a key that may not do everything."""

import json
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from exports.delivery.kinds import s3
from exports.delivery.sending import send_due
from exports.models import Delivery, RunLogEntry, Task
from tests.delivery.deliveries import delivery_of
from tests.delivery.destinations import deliver_only_to, execute, make_destination
from tests.stores import BUCKET, S3Server, client_of, running_server

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "batches.xml"


@pytest.fixture
def strict_server() -> Iterator[S3Server]:
    """It has an upload that was begun, and its one key may put and read only."""
    with running_server(INITIAL_NO_AUTH_ACTION_COUNT="6") as server:
        people = client_of(server.url, "iam")
        server.client.create_bucket(Bucket=BUCKET)
        begun = server.client.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
        people.create_user(UserName="sender")
        made = people.create_access_key(UserName="sender")["AccessKey"]
        rights = {"Effect": "Allow", "Resource": "*", "Action": ["s3:PutObject", "s3:GetObject"]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        people.put_user_policy(UserName="sender", PolicyName="sends", PolicyDocument=policy)
        server.client.list_buckets()
        found = {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"], "begun": begun}
        yield S3Server(server.url, server.process, found)


def test_refused_removal_of_parts_is_told(
    strict_server: S3Server, task: Task, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    monkeypatch.setattr(s3, "WHOLE_UP_TO", 0)
    key = strict_server.client
    address = {"endpoint": strict_server.url, "bucket": BUCKET, "access_key": key["id"]}
    there = make_destination("s3", address, {"secret_key": key["secret"]})
    deliver_only_to(there, task)
    run = execute(task)
    Delivery.objects.filter(run=run).update(upload_id=key["begun"])
    send_due()

    assert (delivery_of(run).state, delivery_of(run).error) == ("delivered", "")
    told = RunLogEntry.objects.filter(run=run, level="warning").values_list("message", flat=True)
    [sentence] = map(str, told)
    assert "Parts of batches.xml that a try left behind could not be removed" in sentence
    assert "may not write there (AccessDenied). Let the access key abort" in sentence
