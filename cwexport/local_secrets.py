"""Secrets that an installation creates once if the environment does not set them."""

import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from exports.storage.made_once import made_once


def secret_key(folder: Path) -> str:
    """The key that signs sessions and forms, created once in `folder`."""
    return _made_once(folder / "secret_key", secrets.token_urlsafe(64))


def encryption_key(folder: Path) -> str:
    """The Fernet key that encrypts private keys, created once in `folder`."""
    return _made_once(folder / "encryption_keys", Fernet.generate_key().decode())


def _made_once(path: Path, fresh: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    return made_once(path, fresh)
