"""Destinations of each kind on other machines, each with a server that tells what it does."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from exports.delivery.kinds import s3
from exports.models import Destination
from tests.delivery import sftp_server, webdav_server
from tests.delivery.destinations import make_destination
from tests.delivery.sftp_server import SftpSink
from tests.delivery.strikes import Strike, watched
from tests.delivery.upload_server import UploadSink
from tests.delivery.webdav_server import DavSink
from tests.stores import client_of

# Of a whole upload at most, and of each part: there are no smaller ones.
_SMALL = (0, 5 << 20)


@dataclass(frozen=True)
class Place:
    """A destination whose server tells what it does, and every file there."""

    destination: Destination
    strike: Strike
    files: Callable[[], dict[str, bytes]]
    # It was noted before the name is given, so that a file that was picked up stays away.
    is_noted: bool = True
    # What is stored there beside the files, though no listing of files shows it.
    unseen: Callable[[], list[str]] = list


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
    with _s3_place(Strike(), "PUT") as place:
        yield place


@contextmanager
def s3_parts_place(folder: Path) -> Iterator[Place]:
    """A file of any size goes there in parts, as small as such storage takes them."""
    before = f"from exports.delivery.kinds import s3; s3.WHOLE_UP_TO, s3.PART_SIZE = {_SMALL}"
    with pytest.MonkeyPatch.context() as here:
        for name, size in zip(("WHOLE_UP_TO", "PART_SIZE"), _SMALL, strict=True):
            here.setattr(s3, name, size)
        with _s3_place(Strike(before), "POST", "uploadId") as place:
            yield place


@contextmanager
def _s3_place(strike: Strike, commit: str, of: str = "") -> Iterator[Place]:
    app = watched(DomainDispatcherApplication(create_backend_app), strike, commit, of)
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

    def uploads_with_parts() -> list[str]:
        begun = client.list_multipart_uploads(Bucket="batches").get("Uploads", [])
        uploads = [{"Key": one["Key"], "UploadId": one["UploadId"]} for one in begun]
        return [
            one["UploadId"]
            for one in uploads
            if client.list_parts(Bucket="batches", **one).get("Parts")
        ]

    address = {"endpoint": url, "region": "us-east-1", "bucket": "batches", "access_key": "acme"}
    destination = make_destination("s3", address, {"secret_key": "acme-secret-key-1"})
    yield Place(destination, strike, files, is_noted=False, unseen=uploads_with_parts)
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


PLACES = {
    "sftp": sftp_place,
    "webdav": webdav_place,
    "s3": s3_place,
    "s3-parts": s3_parts_place,
    "https": https_place,
}


def _files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
