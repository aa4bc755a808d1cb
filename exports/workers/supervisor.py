"""Runs web server and workers as one command: starts, restarts and ends them together."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from django.conf import settings

from exports.connectwise.language import gettext as _
from exports.workers.guard import GRACE, Guard, kill_group
from exports.workers.stop_signals import on_stop_signals

_RESTART_PAUSE = 2.0


class PortTakenError(Exception):
    """The address cannot be listened on; `str()` says what to do."""


@dataclass
class _Child:
    command: Sequence[str]
    process: "subprocess.Popen[bytes]"
    started_at: float


class Serving:
    """The web server and workers on this machine; they end when this process ends."""

    def __init__(self, *, bind: str, port: int, worker_count: int) -> None:
        work = [str(Path(settings.BASE_DIR) / "manage.py"), "worker"]
        self._commands = [_web_command(bind, port), *([work] * worker_count)]
        self._children: list[_Child] = []
        self._guard = Guard()
        self._over = threading.Event()

    def take_signals(self) -> None:
        """Let each stop signal end `watch`, and with it all processes."""
        on_stop_signals(self._stop)

    def start(self) -> None:
        self._guard.start()
        for command in self._commands:
            self._children.append(self._begin(command))

    def watch(self, notify: Callable[[str], object]) -> None:
        """Restart processes that die, until a stop signal; then end them all."""
        self.take_signals()
        try:
            while not self._over.wait(0.5):
                self._guard.ensure_alive()
                self._replace_dead(notify)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask all processes to end, and kill those that do not."""
        children, self._children = self._children, []
        for child in children:
            child.process.terminate()
        deadline = time.monotonic() + GRACE
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            self._end(child)
        self._guard.close()

    def _replace_dead(self, notify: Callable[[str], object]) -> None:
        for index, child in enumerate(self._children):
            if child.process.poll() is None or self._over.is_set():
                continue
            # Writing fails if the terminal was closed; go on regardless.
            with suppress(OSError):
                notify(_end_message(child))
            # Any processes it left behind would keep the port.
            self._end(child)
            # A process that dies at once must not be restarted a hundred times a second.
            if time.monotonic() - child.started_at < _RESTART_PAUSE:
                self._over.wait(_RESTART_PAUSE)
            self._children[index] = self._begin(child.command)

    def _begin(self, command: Sequence[str]) -> _Child:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            # Ctrl-C goes to the terminal's whole process group; only this process shall handle it.
            start_new_session=True,
        )
        self._guard.add(process.pid)
        return _Child(command, process, time.monotonic())

    def _end(self, child: _Child) -> None:
        kill_group(child.process.pid)
        child.process.wait()
        self._guard.remove(child.process.pid)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._over.set()


def check_port(bind: str, port: int, option: str = "--port") -> None:
    """Raises PortTakenError when nothing can listen there; `option` is how to choose another."""
    if not 1 <= port <= 65_535:
        message = _("%(option)s %(port)s is no port: write a number from 1 to 65535.")
        raise PortTakenError(message % {"option": option, "port": port})
    if bind.startswith("[") and bind.endswith("]"):
        bind = bind[1:-1]
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except socket.gaierror:
            raise PortTakenError(
                _(
                    "%(address)s is no address of this machine: write one, e.g. 127.0.0.1 or "
                    "0.0.0.0."
                )
                % {"address": bind}
            ) from None
        except OSError as error:
            other = port + 10 if port < 65_000 else port - 10
            raise PortTakenError(
                _(
                    "Port %(port)s on %(address)s cannot be used: %(reason)s. End the program that "
                    "uses it, or choose another one with %(option)s, e.g. %(option)s %(other)s."
                )
                % {
                    "port": port,
                    "address": bind,
                    "reason": error.strerror,
                    "option": option,
                    "other": other,
                }
            ) from None


def _web_command(bind: str, port: int) -> list[str]:
    return ["-m", "cwexport.web_server", "--bind", bind, "--port", str(port)]


def _end_message(child: _Child) -> str:
    message = _("%(program)s ended (%(status)s); starting anew.")
    return message % {"program": child.command[-1], "status": child.process.returncode}
