"""`python -m exports.connectwise.xml.validation_process FILE`: the process of
`background_validation`.

It says `more` on standard output whenever it has read as far as it may, and reads `BYTES 0` or,
when the file is whole and on disk, `BYTES 1`. It ends with one line of JSON, a CheckedFile, or
without a word when the file may not be published. It imports little, as its start is waited for.
"""

import hashlib
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from exports.connectwise.plain_files import open_plain
from exports.connectwise.xml.validation import FileCheckError, check_stream


def main() -> None:
    # Ctrl-C reaches every process of a terminal; what follows from it is decided by the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = Path(sys.argv[1])
    try:
        with open_plain(path) as stream:
            checked = check_stream(_GrowingFile(stream))
    except FileCheckError:
        return
    if (checked.size, checked.sha256) == _on_disk(path):
        print(json.dumps(asdict(checked)), flush=True)


class _GrowingFile:
    """A file that ends where it was said to be whole, and until then has no end."""

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
            # The worker is gone, and nobody waits for an answer.
            raise SystemExit
        released, is_whole = map(int, line.split())
        self._left += released - self._released
        self._released, self._is_whole = released, bool(is_whole)


def _on_disk(path: Path) -> tuple[int, str]:
    with open_plain(path) as stream:
        return os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    main()
