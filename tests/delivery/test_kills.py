"""Processes killed while they deliver to other machines, at every step of each kind (D3, D4)."""

import signal
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.models import Task
from tests.delivery.deliveries import delivery_of, enlarge, take_over
from tests.delivery.destinations import deliver_only_to, execute, outcomes
from tests.delivery.places import PLACES, Place
from tests.delivery.strikes import COMMITTED, HALF, MOMENTS
from tests.stores import client_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3 and moto warn of their own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# More than what is on its way between two processes.
SIZE = 16_000_000


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Place]:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    folder = tmp_path / "there"
    folder.mkdir()
    with PLACES[request.param](folder) as made:
        assert "failed" not in outcomes(made.destination)
        made.strike.commit_count = 0
        yield made


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_delivery_is_made_good(place: Place, task: Task, moment: str) -> None:
    deliver_only_to(place.destination, task)
    run = execute(task)
    content = enlarge(run, SIZE)

    assert place.strike.deliver(moment) == -signal.SIGKILL
    assert place.files().get("batches.xml", content) == content
    take_over()
    row = delivery_of(run)
    assert (row.state, row.attempt_count) == ("delivered", 2), row.error
    assert place.files() == {"batches.xml": content}
    assert place.unseen() == []
    is_sent_twice = moment == COMMITTED and not place.is_noted
    assert place.strike.commit_count == 1 + is_sent_twice


@pytest.mark.rule("D3")
def test_parts_of_killed_uploads_are_removed(
    settings: Settings, tmp_path: Path, task: Task
) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with PLACES["s3-parts"](tmp_path) as place:
        deliver_only_to(place.destination, task)
        content = enlarge(execute(task), SIZE)
        [strangers] = upload_half(place, "batches.xml")

        assert place.strike.deliver(HALF, passing=2) == -signal.SIGKILL
        assert len(place.unseen()) == 2
        take_over()
        assert place.unseen() == [strangers]
        assert place.files() == {"batches.xml": content}


@pytest.mark.rule("D3")
def test_parts_of_superseded_files_are_removed(
    settings: Settings, tmp_path: Path, task: Task
) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with PLACES["s3-parts"](tmp_path) as place:
        deliver_only_to(place.destination, task)
        older = execute(task)
        enlarge(older, SIZE)
        assert place.strike.deliver(HALF, passing=2) == -signal.SIGKILL
        task.include_extra_fields = True
        task.save()
        newer = execute(task)
        take_over()

        assert [delivery_of(run).state for run in (older, newer)] == ["superseded", "delivered"]
        assert place.unseen() == []


def upload_half(place: Place, name: str) -> list[str]:
    """Another program begins to upload a file of the same name; the IDs of all uploads there."""
    client = client_of(place.destination.address["endpoint"])
    upload = {"Bucket": "batches", "Key": name}
    begun = client.create_multipart_upload(**upload)["UploadId"]
    client.upload_part(**upload, UploadId=begun, PartNumber=1, Body=b"x" * 1000)
    client.close()
    return place.unseen()
