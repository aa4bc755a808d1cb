"""Kills a process that delivers, at a moment that the server sees; nothing is left to chance."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from threading import Condition
from typing import Any

from tests.processes import ROOT, environment

# Before its first byte is taken, within it, all there but without its name, and with it.
BEGUN, HALF, WHOLE, COMMITTED = MOMENTS = ("begun", "half", "whole", "committed")
# After these the server ends as well, as if the request had never reached it.
_LOST = {BEGUN, WHOLE}
SET_UP = "import django; django.setup()"
DELIVER = "from exports.delivery.sending import send_due as s; s()"


class Strike:
    """A delivering process, and the moment at which it dies."""

    def __init__(self, before: str = "pass") -> None:
        """`before`: what the process does first, such as sending smaller parts."""
        self.commit_count = 0
        self.program = f"{SET_UP}; {before}; {DELIVER}"
        self._moment, self._passed = "", 0
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = 0
        self._changed = Condition()

    def deliver(self, moment: str, passing: int = 0) -> int:
        """Send what is due in a process of its own until `moment`, which `passing` others precede.

        Returns how it ended.
        """
        self._moment, self._passed = moment, passing
        command = [sys.executable, "-c", self.program]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment())
        code = self._process.wait(120)
        with self._changed:
            assert self._changed.wait_for(lambda: not self._requests, 60)
        return code

    def reach(self, moment: str) -> bool:
        """Told by the server; whether the request is to be lost."""
        self.commit_count += moment == COMMITTED
        if moment != self._moment or self._process is None:
            return False
        if self._passed:
            self._passed -= 1
            return False
        self._moment = ""
        self._process.kill()
        self._process.wait()
        return moment in _LOST

    @contextmanager
    def request(self) -> Iterator[None]:
        """What a server is still doing when the process has ended is waited for."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._requests += change
            self._changed.notify_all()


def watched(
    app: Any, strike: Strike, commit: str, of: str = ""
) -> Callable[[dict[str, Any], Any], list[bytes]]:
    """A WSGI application that tells of its uploads.

    `commit` is the method that gives the name, with the parameter `of` if it has several uses.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        method = environ["REQUEST_METHOD"]
        is_commit = method == commit and of in environ["QUERY_STRING"]
        is_lost = method == "PUT" and _is_lost_while_read(environ, strike)
        if is_lost or (is_commit and strike.reach(WHOLE)):
            start_response("500 Lost", [])
            return []
        statuses = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        answered = list(app(environ, start))
        if is_commit and statuses[0].startswith("2"):
            strike.reach(COMMITTED)
        return answered

    def watch(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with strike.request():
            return answer(environ, start_response)

    return watch


def _is_lost_while_read(environ: dict[str, Any], strike: Strike) -> bool:
    if strike.reach(BEGUN):
        return True
    environ["wsgi.input"] = BytesIO(
        read_watched(environ["wsgi.input"], int(environ["CONTENT_LENGTH"]), strike)
    )
    return False


def read_watched(stream: Any, size: int, strike: Strike) -> bytes:
    """As much of a body as arrives; what a killed process has put on its way still does."""
    # Early, as the buffers between both hold some megabytes.
    content: bytes = stream.read(size // 16)
    strike.reach(HALF)
    with suppress(OSError):
        content += stream.read(size - len(content))
    return content
