"""A host's network of its own is cut, joined and removed, and refused in words."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import INSTEAD
from tests.processes import ROOT
from tests.stress.kill_points import wait_until
from tests.stress.network import HostNetwork, NetworkRefusedError, Side

# Says where a server in the namespace is reached, and waits to be killed.
LEFT_BEHIND = """
import subprocess
from tests.stress.network import HostNetwork
network = HostNetwork()
left = subprocess.Popen([*network.before, "sleep", "600"])
print(left.pid, flush=True)
left.wait()
"""
ASKING = """
import socket, sys
asking = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
while line := sys.stdin.readline():
    asking.sendall(line.encode())
    print(asking.recv(100).decode(), end="", flush=True)
"""


@pytest.fixture
def network(record_property: Callable[[str, object], None]) -> Iterator[HostNetwork | None]:
    """None where this machine gives none, which the test says."""
    try:
        made = HostNetwork()
    except NetworkRefusedError as error:
        record_property(INSTEAD, f"not tried: {error}")
        yield None
        return
    yield made
    made.close()


def test_cut_link_answers_late_and_loses_nothing(network: HostNetwork | None) -> None:
    if network is None:
        return
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = network.forward(Side.DATABASE, "127.0.0.1", server.getsockname()[1])
        with subprocess.Popen(
            [
                *network.before,
                sys.executable,
                "-c",
                ASKING,
                network.address(Side.DATABASE),
                str(port),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as asking:
            assert asking.stdin
            assert asking.stdout
            there, _address = server.accept()
            with there:
                network.cut(Side.DATABASE)
                asking.stdin.write("a question\n")
                asking.stdin.flush()
                there.settimeout(2)
                with pytest.raises(TimeoutError):
                    there.recv(100)
                assert asking.poll() is None

                network.join()
                there.settimeout(60)
                assert there.recv(100) == b"a question\n"
                there.sendall(b"an answer\n")
                assert asking.stdout.readline() == "an answer\n"
            asking.stdin.close()


def test_leftovers_of_a_killed_stress_are_removed(network: HostNetwork | None) -> None:
    if network is None:
        return
    with subprocess.Popen(
        [sys.executable, "-c", LEFT_BEHIND], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout
        left = int(killed.stdout.readline())
        killed.kill()
    os.kill(left, 0)
    HostNetwork().close()

    wait_until(lambda: not is_alive(left), seconds=60)


def is_alive(pid: int) -> bool:
    """A process that ended may wait for somebody to ask how."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_network_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkRefusedError, match="iproute2 is not installed"):
        HostNetwork()
