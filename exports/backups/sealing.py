"""Encrypts an archive while it is written: chunks that cannot be cut off, swapped or altered.

AES-256-GCM with a key from the passphrase (scrypt). The nonce of each chunk holds its number and
whether it is the last, and every chunk vouches for the header too.
"""

import os
import struct
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.utils.translation import gettext as _

from exports.backups.errors import BackupError

MAGIC: Final = b"cwexport backup, encrypted 1\n"
_CHUNK: Final = 1 << 18
_TAG: Final = 16
_SALT: Final = 16
_PREFIX: Final = 7
# 64 MB and a good part of a second for each guess.
_SCRYPT: Final = {"n": 1 << 16, "r": 8, "p": 1}
SHORTEST_PASSPHRASE: Final = 12


def check_passphrase(passphrase: str) -> str:
    """Raises BackupError for one that could be guessed."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        message = _(
            "The passphrase has %(count)s characters: write %(least)s at least, e.g. five words."
        )
        raise BackupError(message % {"count": len(passphrase), "least": SHORTEST_PASSPHRASE})
    return passphrase


class SealingWriter:
    """A file to write to; what reaches `target` is encrypted. Whole only after `finish`."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        header = os.urandom(_SALT + _PREFIX)
        self._target = target
        self._box = _Box(passphrase, header)
        self._waiting = bytearray()
        target.write(MAGIC + header)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One chunk is kept back: which one is the last is known only at the end.
        while len(self._waiting) > _CHUNK:
            self._put(bytes(self._waiting[:_CHUNK]), is_last=False)
            del self._waiting[:_CHUNK]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        self._target.write(self._box.seal(chunk, is_last=is_last))


class OpeningReader:
    """A file to read from, decrypted. Raises BackupError at the first chunk that is not as sealed.

    `source` stands behind the magic line.
    """

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._source = source
        header = source.read(_SALT + _PREFIX)
        if len(header) != _SALT + _PREFIX:
            raise truncated()
        self._box = _Box(passphrase, header)
        self._next = source.read(_CHUNK + _TAG)
        self._open = b""
        self._is_first, self._is_over = True, False

    def read(self, size: int = -1) -> bytes:
        while not self._open and not self._is_over:
            self._open = self._opened()
        if size < 0:
            size = len(self._open)
        found, self._open = self._open[:size], self._open[size:]
        return found

    def _opened(self) -> bytes:
        sealed, self._next = self._next, self._source.read(_CHUNK + _TAG)
        self._is_over = not self._next
        try:
            chunk = self._box.open(sealed, is_last=self._is_over)
        except InvalidTag:
            raise self._refusal(sealed) from None
        self._is_first = False
        return chunk

    def _refusal(self, sealed: bytes) -> BackupError:
        if not self._is_first:
            return truncated()
        return BackupError(
            _(
                "The passphrase does not open this backup, or its beginning was damaged. Use the "
                "passphrase it was made with."
            )
        )


class _Box:
    def __init__(self, passphrase: str, header: bytes) -> None:
        key = Scrypt(salt=header[:_SALT], length=32, **_SCRYPT).derive(passphrase.encode())
        self._aead = AESGCM(key)
        self._prefix = header[_SALT:]
        self._header = MAGIC + header
        self._number = 0

    def seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(is_last), chunk, self._header)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        return self._aead.decrypt(self._nonce(is_last), sealed, self._header)

    def _nonce(self, is_last: bool) -> bytes:
        nonce = self._prefix + struct.pack(">I?", self._number, is_last)
        self._number += 1
        return nonce


def truncated() -> BackupError:
    return BackupError(
        _(
            "The backup is not whole: it was cut off or damaged. Take another copy of it, or "
            "another backup."
        )
    )
