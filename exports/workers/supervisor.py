"""Web server and workers as one command: starts them, replaces the dead, ends them together."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.utils.translation import gettext as _

# SIGTERM has to end everything within 10 seconds (rule R3).
_GRACE = 8.0
_RESTART_PAUSE = 2.0


class PortTakenError(Exception):
    """The address cannot be listened on; `str()` says what to do."""


@dataclass
class _Child:
    command: Sequence[str]
    process: "subprocess.Popen[bytes]"
    started_at: float


class Serving:
    """The processes of an installation on this machine."""

    def __init__(self, *, bind: str, port: int, worker_count: int) -> None:
        web = ["-m", "gunicorn", "cwexport.wsgi", "--bind", f"{bind}:{port}"]
        # One stalled download must not block all others: threads, and two processes of them.
        web += ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
        web += ["--log-level", "warning", "--graceful-timeout", "5", "--no-control-socket"]
        work = [str(Path(settings.BASE_DIR) / "manage.py"), "worker"]
        self._commands = [web, *([work] * worker_count)]
        self._children: list[_Child] = []
        self._over = threading.Event()

    def take_signals(self) -> None:
        """From now on SIGTERM and Ctrl-C end `watch`, and with it all processes."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)

    def start(self) -> None:
        self._children = [self._begin(command) for command in self._commands]

    def watch(self, notify: Callable[[str], object]) -> None:
        """Replace processes that die, until SIGTERM or Ctrl-C; then end them all."""
        self.take_signals()
        while not self._over.wait(0.5):
            for index, child in enumerate(self._children):
                if child.process.poll() is not None:
                    notify(_end_message(child))
                    # Something that dies at once must not be started a hundred times a second.
                    if time.monotonic() - child.started_at < _RESTART_PAUSE:
                        self._over.wait(_RESTART_PAUSE)
                    self._children[index] = self._begin(child.command)
        self.stop()

    def stop(self) -> None:
        """Ask all processes to end, and end those that do not."""
        for child in self._children:
            child.process.terminate()
        deadline = time.monotonic() + _GRACE
        for child in self._children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _begin(self, command: Sequence[str]) -> _Child:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            # Ctrl-C reaches the whole group of a terminal; only this process is to act on it.
            start_new_session=True,
        )
        return _Child(command, process, time.monotonic())

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._over.set()


def check_port(bind: str, port: int, option: str = "--port") -> None:
    """Raises PortTakenError when nothing can listen there; `option` is how to choose another."""
    if not 1 <= port <= 65_535:
        message = _("%(option)s %(port)s is no port: write a number from 1 to 65535.")
        raise PortTakenError(message % {"option": option, "port": port})
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.strip("[]"), port))
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


def _end_message(child: _Child) -> str:
    message = _("%(program)s ended (%(status)s); starting anew.")
    return message % {"program": child.command[-1], "status": child.process.returncode}
