"""The keys in a backup: put where the settings find them; a key that is in use is never lost."""

import os
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from django.conf import settings

_ENCRYPTION: Final = "encryption_keys"
_SECRET: Final = "secret_key"  # noqa: S105 - a name


def put_keys(unpacked: Path) -> None:
    """Write the unpacked keys into the data folder, those in use there behind them.

    Where the environment sets keys, they stay the ones in use, and are not written to the disk.
    """
    encryption, secret = (unpacked / "keys" / name for name in (_ENCRYPTION, _SECRET))
    if encryption.exists():
        ours = [key for key in encryption.read_text().strip().split(",") if _is_key(key)]
        if _is_from_file():
            # For what this process still has to say about secrets that cannot be read.
            settings.CWEXPORT_ENCRYPTION_KEYS = ours = [
                *dict.fromkeys([*ours, *settings.CWEXPORT_ENCRYPTION_KEYS])
            ]
        _write(_ENCRYPTION, ",".join(ours))
    if secret.exists():
        _write(_SECRET, secret.read_text().strip())


def _is_from_file() -> bool:
    file = Path(settings.CWEXPORT_DATA_DIR) / _ENCRYPTION
    in_use: list[str] = settings.CWEXPORT_ENCRYPTION_KEYS
    return file.exists() and file.read_text().strip().split(",") == in_use


def _is_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def _write(name: str, text: str) -> None:
    path = Path(settings.CWEXPORT_DATA_DIR) / name
    temp = path.with_name(f".{name}.{os.getpid()}")
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temp.rename(path)
