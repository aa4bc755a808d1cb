"""Processes killed while they deliver to other machines, at every step of each kind (D3, D4)."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from threading import Thread

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from pytest_django import Settings
from werkzeug.serving import make_server

from exports import clock
from exports.delivery.sending import send_due
from exports.models import Delivery, Destination, Run, Task
from exports.models.deliveries import STALLED_AFTER
from exports.workers import recovery
from tests.delivery import sftp_server, webdav_server
from tests.delivery.deliveries import delivery_of
from tests.delivery.destinations import deliver_only_to, execute, make_destination, outcomes
from tests.delivery.sftp_server import SftpSink
from tests.delivery.strikes import COMMITTED, MOMENTS, Strike, watched
from tests.delivery.upload_server import UploadSink
from tests.delivery.webdav_server import DavSink
from tests.run_files import run_file
from tests.stores import client_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3 and moto warn of their own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# More than what is on its way between two processes.
SIZE = 16_000_000


@dataclass(frozen=True)
class Place:
    """A destination whose server tells what it does, and every file there."""

    destination: Destination
    strike: Strike
    files: Callable[[], dict[str, bytes]]
    # It was noted before the name is given, so that a file that was picked up stays away.
    is_noted: bool = True


@pytest.fixture(params=["sftp", "webdav", "s3", "https"])
def place(request: pytest.FixtureRequest, settings: Settings) -> Place:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    made: Place = request.getfixturevalue(f"{request.param}_place")
    assert "failed" not in outcomes(made.destination)
    made.strike.commit_count = 0
    return made


@pytest.fixture
def sftp_place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "sftp"
    folder.mkdir()
    with SftpSink(folder).running() as sink:
        address = {"host": "127.0.0.1", "port": sink.port, "user": sftp_server.USER}
        secrets = {"password": sftp_server.PASSWORD}
        destination = make_destination("sftp", address, secrets)
        yield Place(destination, sink.strike, lambda: _files_in(folder))


@pytest.fixture
def webdav_place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "dav" / "in"
    folder.mkdir(parents=True)
    with DavSink(tmp_path / "dav").running() as sink:
        address = {"url": sink.url, "user": webdav_server.USER}
        destination = make_destination("webdav", address, {"password": webdav_server.PASSWORD})
        yield Place(destination, sink.strike, lambda: _files_in(folder))


@pytest.fixture
def s3_place() -> Iterator[Place]:
    strike = Strike()
    app = watched(DomainDispatcherApplication(create_backend_app), strike, "PUT")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    client = client_of(url)
    client.create_bucket(Bucket="batches")

    def files() -> dict[str, bytes]:
        found = client.list_objects_v2(Bucket="batches").get("Contents", [])
        bodies = {one["Key"]: client.get_object(Bucket="batches", Key=one["Key"]) for one in found}
        return {key: body["Body"].read() for key, body in bodies.items()}

    address = {"endpoint": url, "region": "us-east-1", "bucket": "batches", "access_key": "acme"}
    destination = make_destination("s3", address, {"secret_key": "acme-secret-key-1"})
    yield Place(destination, strike, files, is_noted=False)
    for key in files():
        client.delete_object(Bucket="batches", Key=key)
    client.delete_bucket(Bucket="batches")
    client.close()
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def https_place() -> Iterator[Place]:
    with UploadSink().running() as sink:
        destination = make_destination("https", {"url": f"{sink.url}/in/"})

        def files() -> dict[str, bytes]:
            return {os.path.basename(path): content for path, content in sink.files.items()}

        yield Place(destination, sink.strike, files, is_noted=False)


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_delivery_is_made_good(place: Place, task: Task, moment: str) -> None:
    deliver_only_to(place.destination, task)
    run = execute(task)
    content = _enlarge(run)

    assert place.strike.deliver(moment) == -signal.SIGKILL
    assert place.files().get("batches.xml", content) == content
    _take_over()
    row = delivery_of(run)
    assert (row.state, row.attempt_count) == ("delivered", 2), row.error
    assert place.files() == {"batches.xml": content}
    is_sent_twice = moment == COMMITTED and not place.is_noted
    assert place.strike.commit_count == 1 + is_sent_twice


def _enlarge(run: Run) -> bytes:
    """Make the run's file larger than what is on its way between two processes."""
    content: bytes = run_file(run).read_bytes() + os.urandom(SIZE)
    run_file(run).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    Run.objects.filter(pk=run.pk).update(file_size=len(content), file_sha256=sha256)
    return content


def _take_over() -> None:
    """What another worker does when the killed one has been silent for a minute."""
    silent_since = clock.now() - STALLED_AFTER - timedelta(seconds=1)
    assert Delivery.objects.sending().update(heartbeat_at=silent_since) == 1
    recovery.recover()
    send_due()


def _files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
