"""Secrets that an installation creates once if the environment does not set them."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet


def secret_key(folder: Path) -> str:
    """The key that signs sessions and forms, created once in `folder`."""
    return _made_once(folder / "secret_key", secrets.token_urlsafe(64))


def encryption_key(folder: Path) -> str:
    """The Fernet key that encrypts private keys, created once in `folder`."""
    return _made_once(folder / "encryption_keys", Fernet.generate_key().decode())


def _made_once(path: Path, fresh: str) -> str:
    """The secret in the file; a missing file is created with `fresh` (mode 600).

    Web server and workers may start at the same moment: the hard link decides whose secret is kept,
    and no process reads a half-written file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temp = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(fresh)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temp, path)
        except FileExistsError:
            pass  # another process was first; its secret is used
        except OSError:
            _write_new(path, fresh)
        finally:
            temp.unlink()
    return _read(path)


def _write_new(path: Path, fresh: str) -> None:
    """Without hard links (exFAT): only the process that creates the file writes it."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(fresh)


def _read(path: Path) -> str:
    """Read the secret; wait while the file is empty, as another process is writing it."""
    for _try in range(50):
        if secret := path.read_text().strip():
            break
        time.sleep(0.1)
    return secret
