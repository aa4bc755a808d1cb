"""The files of several runs as one ZIP, with their SHA-256 beside them (rule O5)."""

import zipfile
from collections.abc import Iterator, Sequence
from typing import Final

from exports.models import Run
from exports.reporting.downloads import download_name
from exports.storage.run_files import RunFileError, open_run_file

# More would keep a thread of the web server for long.
MAX_FILES: Final = 200
_CHUNK: Final = 1 << 16
# As sha256sum writes and checks them.
_HASHES: Final = "SHA256SUMS"


class _Outbox:
    """What has been written since it was last taken; a ZIP is written forward only."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, chunk: bytes) -> int:
        self._chunks.append(bytes(chunk))
        return len(chunk)

    def flush(self) -> None:
        """Needed by zipfile."""

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


def zipped(runs: Sequence[Run]) -> Iterator[bytes]:
    """The archive in parts, a chunk of one file in memory at a time.

    A file that is gone or was changed is not in it; `MISSING.txt` names it and why.
    """
    outbox = _Outbox()
    hashes, missing = [], []
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for run in runs:
            try:
                content = open_run_file(run)
            except RunFileError as error:
                missing.append(f"{run}: {error}\n")
                continue
            name = download_name(run)
            hashes.append(f"{run.file_sha256}  {name}\n")
            with content, archive.open(name, "w", force_zip64=True) as entry:
                while chunk := content.read(_CHUNK):
                    entry.write(chunk)
                    yield outbox.take()
        archive.writestr(_HASHES, "".join(hashes))
        if missing:
            archive.writestr("MISSING.txt", "".join(missing))
    yield outbox.take()
