"""A network of one host's own: a Linux namespace behind two links that are cut and joined again.

One link leads to the database and the queue, the other one to ConnectWise and the storage of files.
A link that is down answers nothing and refuses nothing, so whoever uses it waits, with its clock
running. Needs root and iproute2.
"""

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

_NAME = "cwexport-host-"
_SLOT_COUNT = 32
# Reserved for tests of networks (RFC 2544), so nobody has them.
NETWORKS = "198.18.0.0/15"


class NetworkRefusedError(Exception):
    """This machine gives us no namespace; `str()` says why."""


class Side(StrEnum):
    """What a link leads to."""

    DATABASE = "database"
    INTERNET = "internet"


@dataclass(frozen=True)
class _Link:
    side: Side
    slot: int

    @property
    def device(self) -> str:
        """The end on this machine; the kernel takes 15 characters."""
        return f"cwx{self.slot}-{self.side[:8]}"

    @property
    def network(self) -> str:
        return f"198.{18 + list(Side).index(self.side)}.{self.slot}"

    @property
    def mac(self) -> str:
        return f"02:00:00:00:{list(Side).index(self.side):02x}:{self.slot:02x}"


class HostNetwork:
    """Everything has a fixed name, so that what a killed stress left is found and removed.

    Stresses that run at once have numbers of their own, each held by a lock that ends with its
    process. Raises NetworkRefusedError.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        try:
            slot = self._take_slot()
            self._name = f"{_NAME}{slot}"
            self._links = {side: _Link(side, slot) for side in Side}
            _clear_leftovers()
            _clear(slot)
            self._stack.callback(_clear, slot)
            self._build()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stack.close()

    @property
    def before(self) -> list[str]:
        """The beginning of a command that runs in the namespace."""
        return ["ip", "netns", "exec", self._name]

    def address(self, side: Side) -> str:
        """Where this machine's servers listen for the host, and for themselves."""
        return f"{self._links[side].network}.1"

    def forward(self, side: Side, target: str, port: int) -> int:
        """Let a server that listens elsewhere be reached by a link; returns the port there."""
        listening = subprocess.Popen(
            [sys.executable, "-m", "tests.stress.forwarder", self.address(side), target, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(_end, listening)
        assert listening.stdout is not None
        return int(listening.stdout.readline())

    def cut(self, *sides: Side) -> None:
        for side in sides:
            _ip("link", "set", self._links[side].device, "down")

    def join(self) -> None:
        for link in self._links.values():
            _ip("link", "set", link.device, "up")

    def _take_slot(self) -> int:
        for slot in range(_SLOT_COUNT):
            if lock := _locked(slot):
                self._stack.enter_context(lock)
                return slot
        raise NetworkRefusedError(f"{_SLOT_COUNT} namespaces are in use")

    def _build(self) -> None:
        _ip("netns", "add", self._name)
        _ip("-n", self._name, "link", "set", "lo", "up")
        for link in self._links.values():
            peer = ["type", "veth", "peer", "name", link.side, "netns", self._name]
            _ip("link", "add", link.device, "address", link.mac, *peer)
            _ip("addr", "add", f"{link.network}.1/30", "dev", link.device)
            _ip("-n", self._name, "addr", "add", f"{link.network}.2/30", "dev", link.side)
            _ip("-n", self._name, "link", "set", link.side, "up")
            # Else the host would soon notice that nobody is there to be asked for the address.
            known = [f"{link.network}.1", "lladdr", link.mac, "dev", link.side]
            _ip("-n", self._name, "neigh", "add", *known)
        self.join()


def _locked(slot: int) -> IO[str] | None:
    """The lock of a slot that nobody holds."""
    try:
        lock = (Path(tempfile.gettempdir()) / f"{_NAME}{slot}.lock").open("a")
    except PermissionError:
        # Another user's.
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _clear_leftovers() -> None:
    """What stresses left that were killed, whose locks have ended with them."""
    for name in re.findall(rf"^{_NAME}(\d+)", _ip("netns", "list"), re.MULTILINE):
        if lock := _locked(int(name)):
            with lock:
                _clear(int(name))


def _clear(slot: int) -> None:
    """Processes of the namespace are ours, and the links end with it."""
    name = f"{_NAME}{slot}"
    with suppress(NetworkRefusedError):
        for pid in _ip("netns", "pids", name).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    for command in (
        ["netns", "del", name],
        *(["link", "del", _Link(side, slot).device] for side in Side),
    ):
        with suppress(NetworkRefusedError):
            _ip(*command)


def _ip(*arguments: str) -> str:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NetworkRefusedError("iproute2 is not installed") from None
    if done.returncode != 0:
        raise NetworkRefusedError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _end(forwarder: "subprocess.Popen[str]") -> None:
    stdin: IO[str] | None = forwarder.stdin
    assert stdin is not None
    stdin.close()
    forwarder.wait()
    assert forwarder.stdout is not None
    forwarder.stdout.close()
