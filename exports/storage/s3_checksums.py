"""The SHA-256 of an object, as S3 writes and tells it."""

import base64
from collections.abc import Mapping
from typing import Any


def checksum_of(sha256: str) -> str:
    """The base64 of a hexadecimal SHA-256."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def told_checksum(found: Mapping[str, Any]) -> str | None:
    """That of the whole object, from an answer with `ChecksumMode="ENABLED"`.

    None where the server tells none, or that of parts, which is another one.
    """
    told = str(found.get("ChecksumSHA256") or "")
    return None if not told or "-" in told else told
