"""No library opens a connection that no part of the program has declared (C6)."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.rule("C6")

ROOT = Path(__file__).parents[3]
# The fence cannot be taken down, so each attempt is made in a process of its own.
PROLOGUE = """
import json, logging, sys
from ipaddress import ip_network
from exports.connectwise.http import outgoing
from exports.connectwise.http.addresses import AddressPolicy
logging.basicConfig(stream=sys.stderr, format="%(message)s")
outgoing.install()
outgoing.install()
host, port = "127.0.0.1", int(sys.argv[1])
LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))
def allowed(host=host, port=port, policy=LOOPBACK, **more):
    return outgoing.allow(host, port, "the test", policy=policy, **more)
"""
EPILOGUE = """
def attempt():
    try:
        call()
    except Exception as error:
        while error.__cause__ or error.__context__:
            error = error.__cause__ or error.__context__
        return [type(error).__name__, str(error)]
print(json.dumps(attempt()))
"""
ATTEMPTS = {
    "requests": "import requests\ndef call(): requests.get(f'http://{host}:{port}/', timeout=5)",
    "urllib": "import urllib.request\ndef call(): urllib.request.urlopen(f'http://{host}:{port}/')",
    "smtplib": "import smtplib\ndef call(): smtplib.SMTP(host, port, local_hostname='x')",
    "asyncio": ("import asyncio\ndef call(): asyncio.run(asyncio.open_connection(host, port))"),
    "socket": "import socket\ndef call(): socket.create_connection((host, port), timeout=5)",
    "connect_ex": (
        "import socket\ndef call(): "
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect_ex((host, port))"
    ),
    "udp": (
        "import socket\ndef call(): "
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (host, port))"
    ),
    "another thread": (
        "import socket, concurrent.futures\ndef call():\n"
        "  with allowed(), concurrent.futures.ThreadPoolExecutor() as pool:\n"
        "    pool.submit(socket.create_connection, (host, port)).result()"
    ),
    "another port": (
        "import socket\ndef call():\n"
        "  with allowed(port=port - 1): socket.create_connection((host, port), timeout=5)"
    ),
    "another host": (
        "import socket\ndef call():\n"
        "  with allowed('127.0.0.2'): socket.create_connection((host, port), timeout=5)"
    ),
    "afterwards": (
        "import socket\ndef call():\n"
        "  with allowed(): pass\n"
        "  socket.create_connection((host, port), timeout=5)"
    ),
}


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def tried(code: str, port: int) -> tuple[list[str] | None, str]:
    """What `call` of this code raised at last, and what was logged."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + code + EPILOGUE, str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def connections_to(listening: socket.socket) -> int:
    try:
        listening.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1 + connections_to(listening)


@pytest.mark.parametrize("code", ATTEMPTS.values(), ids=ATTEMPTS)
def test_undeclared_connection_reaches_nobody(code: str, listening: socket.socket) -> None:
    port = listening.getsockname()[1]

    raised, _log = tried(code, port)

    assert raised is not None
    assert raised[0] == "OutgoingRefusedError"
    assert f"127.0.0.1:{port} was not called" in raised[1]
    assert connections_to(listening) == 0


def test_declared_connection_is_opened(listening: socket.socket) -> None:
    code = "import socket\ndef call():\n  with allowed(): socket.create_connection((host, port))"

    raised, log = tried(code, listening.getsockname()[1])

    assert (raised, log) == (None, "")
    assert connections_to(listening) == 1


def test_declared_name_is_judged_by_its_address(listening: socket.socket) -> None:
    code = (
        "import socket\ndef call():\n"
        "  with allowed('localhost', policy=AddressPolicy()):\n"
        "    socket.create_connection(('localhost', port), timeout=5)"
    )

    raised, _log = tried(code, listening.getsockname()[1])

    assert raised is not None
    assert "is not public: it is this machine itself" in raised[1]
    assert connections_to(listening) == 0


def test_name_is_connected_to_only_by_its_address(listening: socket.socket) -> None:
    code = (
        "import socket\ndef call():\n"
        "  with allowed('localhost'): socket.socket().connect(('localhost', port))"
    )

    raised, _log = tried(code, listening.getsockname()[1])

    assert raised is not None
    assert "must be looked up first" in raised[1]


def test_undeclared_name_is_not_looked_up() -> None:
    code = "import socket\ndef call(): socket.getaddrinfo('cw.example.com', 443)"

    raised, _log = tried(code, 443)

    assert raised == [
        "OutgoingRefusedError",
        "cw.example.com was not called: no part of this program has declared it.",
    ]


def test_refused_host_is_logged_once(listening: socket.socket) -> None:
    code = (
        "import requests\ndef call():\n"
        "  for path in 'abc':\n"
        "    try: requests.get(f'http://{host}:{port}/{path}')\n"
        "    except requests.ConnectionError: pass"
    )

    raised, log = tried(code, port := listening.getsockname()[1])

    assert raised is None
    assert log.splitlines() == [
        f"127.0.0.1:{port} was not called: no part of this program has declared it. "
        "Asked by urllib3.util.connection."
    ]


def test_connectwise_client_passes_the_fence(listening: socket.socket) -> None:
    code = (
        "from exports.connectwise.http.sockets import Watch, dial\n"
        "def call(): dial(host, port, scheme='http', policy=LOOPBACK, seconds=5,"
        " watch=Watch(lambda: False))"
    )

    raised, _log = tried(code, listening.getsockname()[1])

    assert raised is None
    assert connections_to(listening) == 1


@pytest.mark.parametrize(
    "start",
    ["import manage; manage.main()", "import exports.workers.web_server as it; it.main([])"],
)
def test_fence_stands_in_every_process(start: str, tmp_path: Path) -> None:
    code = (
        "import socket, sys; sys.argv = ['manage.py', 'help']\n"
        f"try:\n  {start}\nexcept SystemExit: pass\n"
        "socket.create_connection(('127.0.0.1', 9))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "CWEXPORT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "OutgoingRefusedError" in done.stderr
