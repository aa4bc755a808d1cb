"""`python -m exports.connectwise.xml.validation_process FILE`: the process of
`background_validation`.

When it has read as far as allowed it writes `more` to standard output and reads `BYTES 0` from
standard input, or `BYTES 1` when the file is whole and on disk. At the end it writes the
fields of a CheckedFile as one line, or nothing if the file is invalid. It imports little, to start
quickly.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from exports.connectwise.regular_files import open_regular
from exports.connectwise.xml.validation import FileCheckError, check_stream


def main() -> None:
    # Ctrl-C goes to every process of a terminal; the worker decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = Path(sys.argv[1])
    try:
        with open_regular(path) as stream:
            checked = check_stream(_GrowingFile(stream))
    except FileCheckError:
        return
    if (checked.size, checked.sha256) == _on_disk(path):
        print(*checked, flush=True)


class _GrowingFile:
    """A file that is still growing; `read` waits for more until it is reported whole."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0
        self._released = 0
        self._is_whole = False

    def read(self, size: int) -> bytes:
        while not self._left and not self._is_whole:
            self._ask_for_more()
        chunk = self._stream.read(min(size, self._left))
        if self._left and not chunk:
            raise FileCheckError("The file is shorter than it was said to be.")
        self._left -= len(chunk)
        return chunk

    def _ask_for_more(self) -> None:
        print("more", flush=True)
        line = sys.stdin.readline()
        if not line:
            # The worker has died.
            raise SystemExit
        released, is_whole = map(int, line.split())
        self._left += released - self._released
        self._released, self._is_whole = released, bool(is_whole)


def _on_disk(path: Path) -> tuple[int, str]:
    with open_regular(path) as stream:
        return os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    main()
