"""How Redis is called: encrypted where asked for, inside the fence, never for long (rule C6)."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.workers.queues.broker import parse_queue
from exports.workers.queues.engine import QueueError
from exports.workers.queues.redis_client import Client
from tests.demo.certificates import Certificates
from tests.processes import ROOT
from tests.workers.queues.redis_server import RedisServer


@pytest.fixture
def tls_server(tmp_path: Path, certificates: Certificates) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, certificates=certificates)
    server.start()
    yield server
    server.kill()


def test_certificate_of_the_server_is_checked(
    tls_server: RedisServer, certificates: Certificates, settings: Settings
) -> None:
    broker = parse_queue(tls_server.url)
    assert broker
    with (
        pytest.raises(QueueError, match="certificate verify failed"),
        Client(broker).calling() as redis,
    ):
        redis.ping()
    settings.CWEXPORT_CA_FILE = str(certificates.authority)

    with Client(broker).calling() as redis:
        assert redis.ping()


# The fence cannot be taken down, so it stands in a process of its own.
_FENCED = """
import socket, sys
from exports.connectwise.http import outgoing
from exports.workers.queues.broker import parse_queue
from exports.workers.queues.redis_client import Client
outgoing.install()
broker = parse_queue(sys.argv[1])
with Client(broker).calling() as redis:
    print(redis.ping())
try:
    socket.create_connection((broker.host, broker.port))
except PermissionError:
    print("refused")
"""


@pytest.mark.rule("C6")
def test_fence_knows_only_the_broker(redis_server: RedisServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FENCED, redis_server.url],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "cwexport.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.split(), done.returncode) == (["True", "refused"], 0), done.stderr


def test_silent_server_is_asked_once() -> None:
    """It accepts connections and answers nothing, as a stopped one does."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        broker = parse_queue(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        assert broker
        client = Client(broker)
        for _ in range(2):
            with pytest.raises(QueueError, match="does not answer"), client.calling() as redis:
                redis.ping()
        silent.accept()[0].close()
        silent.settimeout(0.01)
        with pytest.raises(TimeoutError):
            silent.accept()
