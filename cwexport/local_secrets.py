"""Secrets that an installation makes for itself once, when the environment names none."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet


def secret_key(folder: Path) -> str:
    """The signing key of sessions and forms, made once and kept in `folder`."""
    return _made_once(folder / "secret_key", secrets.token_urlsafe(64))


def encryption_key(folder: Path) -> str:
    """The Fernet key that encrypts private keys, made once and kept in `folder`."""
    return _made_once(folder / "encryption_keys", Fernet.generate_key().decode())


def _made_once(path: Path, fresh: str) -> str:
    """What the file holds; `fresh` becomes its content (mode 600) when there is no file yet.

    Web server and workers may start in the same moment: the hard link decides which one's
    secret stays, and a reader never sees a file that is only half written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(fresh)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its secret is the one that counts
        except OSError:
            _write_new(path, fresh)
        finally:
            draft.unlink()
    return _read(path)


def _write_new(path: Path, fresh: str) -> None:
    """Where there are no hard links (exFAT): whoever makes the file writes it."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(fresh)


def _read(path: Path) -> str:
    """The secret; a file without content is just being written by another process."""
    for _try in range(50):
        if secret := path.read_text().strip():
            break
        time.sleep(0.1)
    return secret
