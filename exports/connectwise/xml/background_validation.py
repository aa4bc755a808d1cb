"""Validates a large document in another process while it is still being written.

Reading back takes about as long as writing, and two threads of one process would only take turns.
So a separate process reads the file up to where it has been flushed. At the end it reads the whole
file again and compares its SHA-256 with that of the bytes the parsers read. If the process fails,
the file is checked in this process instead, as small files always are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from exports.connectwise.xml.validation import CheckedFile, check_file

# For fewer bytes, starting a process does not pay.
WORTH_IT_ABOVE: Final = 4_000_000
# Bytes released at a time, so that a hanging process can be told from a busy one.
_PORTION: Final = 4_000_000
_MAX_SILENCE: Final = 10.0  # seconds
_TICK: Final = 0.1  # seconds


class BackgroundValidation:
    """Validates one file after the other; leaving the `with` block ends the process."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._running: _ValidationProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def begin(self, path: Path) -> None:
        """Start with a new file; discard any validation so far."""
        self._end()
        self._path = path

    def grown_to(self, size: int) -> None:
        """Report that this many bytes are flushed and will not change."""
        if self._running is None and self._path is not None and size >= WORTH_IT_ABOVE:
            try:
                self._running = _ValidationProcess(self._path)
            except OSError:
                self._path = None  # do not try again at every page
        if self._running is not None:
            self._running.release(size, is_whole=False)

    def ended(self, size: int) -> None:
        """Report that the file is whole and on disk."""
        if self._running is not None:
            self._running.release(size, is_whole=True)

    def finish(
        self, path: Path, *, expected_count: int, checkpoint: Callable[[], None]
    ) -> CheckedFile:
        """The result of `check_file`, mostly computed already. Call after `ended`."""
        checked = None
        if self._running is not None and path == self._path:
            checked = self._running.wait(checkpoint)
        self._end()
        if checked is not None and checked.batch_count == expected_count:
            return checked
        # Also when the process refused the file, so that the error message is made here.
        return check_file(path, expected_count=expected_count, checkpoint=checkpoint)

    def _end(self) -> None:
        if self._running is not None:
            self._running.end()
        self._path = self._running = None


class _ValidationProcess:
    """The validation process, and the thread that tells it how far it may read.

    It ends when its standard input closes, which happens however this process ends.
    """

    def __init__(self, path: Path) -> None:
        self._size = self._released = 0
        self._is_whole = False
        self._is_over = False
        self._changed = threading.Condition()
        self._checked: CheckedFile | None = None
        self._last_heard_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -S: without the site module, as this process tells it all its folders.
            [sys.executable, "-S", "-m", "exports.connectwise.xml.validation_process", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._thread = threading.Thread(target=self._answer, name="validation", daemon=True)
        self._thread.start()

    def release(self, size: int, *, is_whole: bool) -> None:
        with self._changed:
            self._size, self._is_whole = size, is_whole
            self._changed.notify()

    def wait(self, checkpoint: Callable[[], None]) -> CheckedFile | None:
        """The result; None when the process died or stopped answering."""
        while self._thread.is_alive() and time.monotonic() - self._last_heard_at < _MAX_SILENCE:
            checkpoint()
            self._thread.join(_TICK)
        return self._checked

    def end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._process.kill()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]  # both are pipes
        self._process.wait()

    def _answer(self) -> None:
        with suppress(OSError, ValueError, TypeError):
            while (line := self._read_line()) == "more\n":
                if not self._release_more():
                    return
            batch_count, size, sha256 = line.split()
            self._checked = CheckedFile(int(batch_count), int(size), sha256)

    def _read_line(self) -> str:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        self._last_heard_at = time.monotonic()
        return line

    def _release_more(self) -> bool:
        """Wait for more bytes and release them; False when validation was ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_over or self._is_whole or self._size > self._released
            )
            if self._is_over:
                return False
            self._released = min(self._size, self._released + _PORTION)
            is_end = self._is_whole and self._released == self._size
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.write(f"{self._released} {int(is_end)}\n")
        self._process.stdin.flush()
        self._last_heard_at = time.monotonic()
        return True
