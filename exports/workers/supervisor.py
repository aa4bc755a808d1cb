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

# A process that ends at its start is started again after a pause that doubles each time: the
# database may be back in a moment, or a wrong setting may stay for days.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
# One that worked this long did not end at its start.
_PROVEN_AFTER = 30.0
# Without a web server nobody sees anything: after this many tries in a row `serve` gives up, so
# that whoever started it learns of it.
_WEB_TRIES = 5


class PortTakenError(Exception):
    """The address cannot be listened on; `str()` says what to do."""


class WebServerEndedError(Exception):
    """The web server ends at each start; `str()` says what to do."""


@dataclass
class _Child:
    """A program and its process; none while it pauses before its next start."""

    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    # How many times in a row it ended at its start, and when it is started again.
    failed_count: int = 0
    start_at: float = 0.0

    @property
    def is_web(self) -> bool:
        return "-m" in self.command

    @property
    def is_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def count_end(self, now: float) -> float:
        """Note that it ended; returns the seconds to wait before its next start."""
        self.process = None
        self.failed_count = 1 + (0 if now - self.started_at > _PROVEN_AFTER else self.failed_count)
        pause: float = min(_FIRST_PAUSE * 2 ** (self.failed_count - 1), _LONGEST_PAUSE)
        self.start_at = now + pause
        return pause


class Serving:
    """The web server and workers on this machine; they end when this process ends."""

    def __init__(self, *, bind: str, port: int, worker_count: int) -> None:
        work = [str(Path(settings.BASE_DIR) / "manage.py"), "worker"]
        commands = [_web_command(bind, port), *([work] * worker_count)]
        self._children = [_Child(command) for command in commands]
        self._guard = Guard()
        self._over = threading.Event()

    def take_signals(self) -> None:
        """Let each stop signal end `watch`, and with it all processes."""
        on_stop_signals(self._stop)

    def start(self) -> None:
        self._guard.start()
        for child in self._children:
            self._begin(child)

    def watch(self, notify: Callable[[str], object]) -> None:
        """Restart processes that die, until a stop signal; then end them all.

        Raises WebServerEndedError.
        """
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
        processes = [child.process for child in children if child.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            self._end(process)
        self._guard.close()

    def _replace_dead(self, notify: Callable[[str], object]) -> None:
        now = time.monotonic()
        for child in self._children:
            if self._over.is_set():
                return
            if child.is_ended:
                self._note_end(child, notify)
            elif child.process is None and now >= child.start_at:
                self._begin(child)

    def _note_end(self, child: _Child, notify: Callable[[str], object]) -> None:
        if child.process is None:
            return
        status = child.process.returncode
        # Any processes it left behind would keep the port.
        self._end(child.process)
        pause = child.count_end(time.monotonic())
        if child.is_web and child.failed_count >= _WEB_TRIES:
            raise WebServerEndedError(_web_ended_message(status))
        # Writing fails if the terminal was closed; go on regardless.
        with suppress(OSError):
            notify(_end_message(child, status, pause))

    def _begin(self, child: _Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
            [sys.executable, *child.command],
            cwd=settings.BASE_DIR,
            # Ctrl-C goes to the terminal's whole process group; only this process shall handle it.
            start_new_session=True,
        )
        child.started_at = time.monotonic()
        self._guard.add(child.process.pid)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        kill_group(process.pid)
        process.wait()
        self._guard.remove(process.pid)

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
    return ["-m", "exports.workers.web_server", "--bind", bind, "--port", str(port)]


def _end_message(child: _Child, status: int, pause: float) -> str:
    params = {
        "program": child.command[1] if child.is_web else child.command[-1],
        "status": status,
        "seconds": f"{pause:.0f}",
    }
    if child.failed_count == 1:
        return _("%(program)s ended (%(status)s); starting anew in %(seconds)s s.") % params
    message = _(
        "%(program)s ended at its start (%(status)s), %(count)s times in a row; the reason stands "
        "above. Starting anew in %(seconds)s s."
    )
    return message % {**params, "count": child.failed_count}


def _web_ended_message(status: int) -> str:
    message = _(
        "The web server ended at its start (%(status)s) %(count)s times in a row. The reason "
        "stands above; the workers are ended too. Remove the reason and start again."
    )
    return message % {"status": status, "count": _WEB_TRIES}
