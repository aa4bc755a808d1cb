"""A large document, read back by another process while it is still being written (X6, O3).

Reading back takes about as long as writing, and two threads of one process would take turns. So a
process of its own follows the file as far as it has been flushed. At the end it reads the whole
file once more for its SHA-256, which has to be that of what the parsers saw. Whatever befalls
that process, the file is then checked here instead, as small files always are.
"""

from __future__ import annotations

import json
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

# Below this many bytes a process is not worth its start.
WORTH_IT_ABOVE: Final = 4_000_000
# Told at a time, so that a process that hangs can be told from one that has much to do.
_PORTION: Final = 4_000_000
_PATIENCE: Final = 10.0  # seconds
_TICK: Final = 0.1  # seconds


class GrowingCheck:
    """Follows one file after the other; leave the `with` block to be rid of the process."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._follower: _Follower | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go()

    def begin(self, path: Path) -> None:
        """A file that is written from its beginning; what was followed before is void."""
        self._let_go()
        self._path = path

    def grown_to(self, size: int) -> None:
        """So many bytes can be read by others and will not change."""
        if self._follower is None and self._path is not None and size >= WORTH_IT_ABOVE:
            try:
                self._follower = _Follower(self._path)
            except OSError:
                self._path = None  # where no process can be started, none is tried for every page
        if self._follower is not None:
            self._follower.tell(size, is_whole=False)

    def ended(self, size: int) -> None:
        """The file is whole, and on disk."""
        if self._follower is not None:
            self._follower.tell(size, is_whole=True)

    def finish(
        self, path: Path, *, expected_count: int, checkpoint: Callable[[], None]
    ) -> CheckedFile:
        """What `check_file` returns or raises, sooner. To be called after `ended`."""
        checked = None
        if self._follower is not None and path == self._path:
            checked = self._follower.wait(checkpoint)
        self._let_go()
        if checked is not None and checked.batch_count == expected_count:
            return checked
        # Also for a refusal, so that there is one place that words it.
        return check_file(path, expected_count=expected_count, checkpoint=checkpoint)

    def _let_go(self) -> None:
        if self._follower is not None:
            self._follower.end()
        self._path = self._follower = None


class _Follower:
    """The process, and the thread that answers it whenever it asks for more.

    Its standard input ends with this process, however that ends, and that ends it.
    """

    def __init__(self, path: Path) -> None:
        self._size = self._announced = 0
        self._is_whole = False
        self._is_over = False
        self._changed = threading.Condition()
        self._checked: CheckedFile | None = None
        self._heard_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - this program's own words
            [sys.executable, "-m", "exports.connectwise.xml.validation_process", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._thread = threading.Thread(target=self._attend, name="follower", daemon=True)
        self._thread.start()

    def tell(self, size: int, *, is_whole: bool) -> None:
        with self._changed:
            self._size, self._is_whole = size, is_whole
            self._changed.notify()

    def wait(self, checkpoint: Callable[[], None]) -> CheckedFile | None:
        """What was found; None when the process died or says nothing any more."""
        while self._thread.is_alive() and time.monotonic() - self._heard_at < _PATIENCE:
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

    def _attend(self) -> None:
        with suppress(OSError, ValueError, TypeError):
            while (line := self._heard()) == "more\n":
                if not self._told_more():
                    return
            self._checked = CheckedFile(**json.loads(line))

    def _heard(self) -> str:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        self._heard_at = time.monotonic()
        return line

    def _told_more(self) -> bool:
        """Wait until there is more to tell; False when there never will be."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_over or self._is_whole or self._size > self._announced
            )
            if self._is_over:
                return False
            self._announced = min(self._size, self._announced + _PORTION)
            is_end = self._is_whole and self._announced == self._size
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.write(f"{self._announced} {int(is_end)}\n")
        self._process.stdin.flush()
        self._heard_at = time.monotonic()
        return True
