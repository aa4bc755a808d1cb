"""Destinations of each kind on other machines, each with a server that tells what it does."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from exports.models import Destination
from tests.delivery import sftp_server, webdav_server
from tests.delivery.destinations import make_destination
from tests.delivery.sftp_server import SftpSink
from tests.delivery.strikes import Strike, watched
from tests.delivery.upload_server import UploadSink
from tests.delivery.webdav_server import DavSink
from tests.stores import client_of


@dataclass(frozen=True)
class Place:
    """A destination whose server tells what it does, and every file there."""

    destination: Destination
    strike: Strike
    files: Callable[[], dict[str, bytes]]
    # It was noted before the name is given, so that a file that was picked up stays away.
    is_noted: bool = True


@contextmanager
def sftp_place(folder: Path) -> Iterator[Place]:
    with SftpSink(folder).running() as sink:
        address = {"host": "127.0.0.1", "port": sink.port, "user": sftp_server.USER}
        secrets = {"password": sftp_server.PASSWORD}
        destination = make_destination("sftp", address, secrets)
        yield Place(destination, sink.strike, lambda: _files_in(folder))


@contextmanager
def webdav_place(folder: Path) -> Iterator[Place]:
    (folder / "in").mkdir()
    with DavSink(folder).running() as sink:
        address = {"url": sink.url, "user": webdav_server.USER}
        destination = make_destination("webdav", address, {"password": webdav_server.PASSWORD})
        yield Place(destination, sink.strike, lambda: _files_in(folder / "in"))


@contextmanager
def s3_place(folder: Path) -> Iterator[Place]:
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


@contextmanager
def https_place(folder: Path) -> Iterator[Place]:
    with UploadSink().running() as sink:
        destination = make_destination("https", {"url": f"{sink.url}/in/"})

        def files() -> dict[str, bytes]:
            return {os.path.basename(path): content for path, content in sink.files.items()}

        yield Place(destination, sink.strike, files, is_noted=False)


PLACES = {"sftp": sftp_place, "webdav": webdav_place, "s3": s3_place, "https": https_place}


def _files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
