"""Small files that the first process makes and all others read. The settings need it: no models."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path


def made_once(path: Path, fresh: str) -> str:
    """The text in the file, stripped; a missing file is made of `fresh` (mode 600).

    Several processes may start at the same moment: the hard link decides whose text is kept, and
    no process reads a half-written file. The folder is there. Raises OSError.
    """
    if not path.exists():
        temp = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        _write_new(temp, fresh)
        try:
            os.link(temp, path)
        except FileExistsError:
            pass  # another process was first; its text is used
        except OSError:
            # Without hard links (exFAT): only the process that creates the file writes it.
            with suppress(FileExistsError):
                _write_new(path, fresh)
        finally:
            temp.unlink()
    return _read(path)


def _write_new(path: Path, fresh: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(fresh)
        stream.flush()
        os.fsync(stream.fileno())


def _read(path: Path) -> str:
    """Wait while the file is empty, as another process is writing it."""
    for _try in range(50):
        if text := path.read_text().strip():
            break
        time.sleep(0.1)
    return text
