"""The places for run files, of which each test of files is run against all."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from pytest_django import Settings

from exports.storage.places import S3Place

BUCKET = "batches"
KEYS = {"AWS_ACCESS_KEY_ID": "storage-id", "AWS_SECRET_ACCESS_KEY": "storage-secret-key-1"}


@dataclass(frozen=True)
class S3Server:
    """moto's server in a process of its own, and a client of the library's own way."""

    url: str
    process: "subprocess.Popen[bytes]"
    client: Any

    def place(self, **changed: Any) -> S3Place:
        values = {
            "bucket": BUCKET,
            "prefix": "acme/",
            "endpoint": self.url,
            "region": "us-east-1",
            "access_key": KEYS["AWS_ACCESS_KEY_ID"],
            "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"],
        }
        return S3Place(**{**values, **changed})

    def setting(self, prefix: str = "acme") -> str:
        return f"s3://{BUCKET}/{prefix}?endpoint={self.url}"

    def all_keys(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [row["Key"] for row in found]


@dataclass(frozen=True)
class S3Path:
    """An object with the methods of a path that tests use; changed behind the product's back."""

    client: Any
    key: str

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    def read_bytes(self) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=self.key)["Body"].read()
        return content

    def read_text(self) -> str:
        return self.read_bytes().decode()

    def write_bytes(self, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=self.key, Body=content)

    def write_text(self, text: str) -> None:
        self.write_bytes(text.encode())

    def exists(self) -> bool:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.key).get("Contents", [])
        return any(row["Key"] == self.key for row in found)

    def unlink(self, missing_ok: bool = False) -> None:
        if not missing_ok and not self.exists():
            raise FileNotFoundError(self.key)
        self.client.delete_object(Bucket=BUCKET, Key=self.key)


@contextmanager
def running_server(address: str = "127.0.0.1", **environment: str) -> Iterator[S3Server]:
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", address]
    with subprocess.Popen(
        [*command, "-p", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        url = f"http://{address}:{port}"
        _wait_for(address, port)
        client = client_of(url)
        yield S3Server(url, process, client)
        client.close()
        process.kill()


def client_of(url: str, service: str = "s3") -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test-id",
        aws_secret_access_key="test-secret",
    )


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def s3_server(s3_process: S3Server) -> Iterator[S3Server]:
    s3_process.client.create_bucket(Bucket=BUCKET)
    yield s3_process
    for key in s3_process.all_keys():
        s3_process.client.delete_object(Bucket=BUCKET, Key=key)
    s3_process.client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def s3_store(s3_server: S3Server, settings: Settings) -> S3Server:
    """This installation keeps the files of its runs in a bucket."""
    settings.CWEXPORT_FILES = s3_server.place()
    return s3_server


@pytest.fixture(params=["data folder", "share", "s3"])
def each_store(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """The test is run with each place for run files."""
    kind: str = request.param
    if kind == "s3":
        request.getfixturevalue("s3_store")
    elif kind == "share":
        share = tmp_path / "share"
        share.mkdir()
        (share / "installation_id").write_text("set by a start\n")
        settings.CWEXPORT_FILES = share
    return kind


def _wait_for(address: str, port: int) -> None:
    """No request is made: a server that asks for keys counts them."""
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection((address, port), timeout=10).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
