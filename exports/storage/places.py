"""Reads where run files are kept (`CWEXPORT_FILES`). Imports no models: the settings need it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,500}")
_EXAMPLE: Final = (
    "e.g. s3://batches/cwexport?endpoint=https://minio.example.com&region=eu-central-1"
)


@dataclass(frozen=True)
class StorageKeys:
    """What the `AWS_…` variables hold; "" for those that are not set."""

    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True)
class S3Place:
    """A prefix in a bucket, and the key that opens it."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


Place = Path | S3Place


def read_place(text: str, keys: StorageKeys) -> Place:
    """A folder's whole path, or `s3://bucket/prefix`.

    Raises ValueError with a sentence that says what is wrong, without keys.
    """
    if "://" not in text:
        return _folder(text)
    parts = urlsplit(text)
    if parts.scheme != "s3":
        raise ValueError(
            f"It begins with {parts.scheme}://, which is not known: write the whole path of a "
            f"folder, or s3://bucket/prefix, {_EXAMPLE}."
        )
    if "@" in parts.netloc:
        raise ValueError(
            "It holds a key: write s3://bucket/prefix, and the key into AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        )
    if not _BUCKET.fullmatch(parts.netloc):
        raise ValueError(
            f"It names no bucket: write s3:// and the bucket's name in small letters, {_EXAMPLE}."
        )
    prefix = parts.path.strip("/")
    if not _PREFIX.fullmatch(prefix) or {"", ".", ".."} & set(prefix.split("/") if prefix else []):
        raise ValueError("Its prefix may hold letters, digits, - _ . and single slashes only.")
    region, endpoint = _region_and_endpoint(parts.query, keys)
    return S3Place(
        bucket=parts.netloc,
        prefix=f"{prefix}/" if prefix else "",
        endpoint=endpoint,
        region=region,
        access_key=_needed(keys.access_key, "AWS_ACCESS_KEY_ID"),
        secret_key=_needed(keys.secret_key, "AWS_SECRET_ACCESS_KEY"),
        session_token=keys.session_token,
    )


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute() or not text.isprintable():
        raise ValueError("Write the folder's whole path, e.g. /srv/cwexport/files.")
    return path


def _region_and_endpoint(query: str, keys: StorageKeys) -> tuple[str, str]:
    try:
        given = parse_qs(query, strict_parsing=True) if query else {}
    except ValueError:
        given = {"": [""]}
    if others := given.keys() - {"endpoint", "region"}:
        raise ValueError(
            f"It has ?{', '.join(sorted(others))[:50]}, which is not known: only endpoint and "
            f"region may follow the question mark, {_EXAMPLE}."
        )
    region = given.get("region", [keys.region or "us-east-1"])[-1]
    if not re.fullmatch(r"[a-z0-9-]{1,40}", region):
        raise ValueError("Its region holds small letters, digits and - only, e.g. eu-central-1.")
    endpoint = given.get("endpoint", [keys.endpoint])[-1]
    endpoint = endpoint or f"https://s3.{region}.amazonaws.com"
    parts = urlsplit(endpoint)
    is_plain = parts.scheme in ("https", "http") and not (parts.query or parts.fragment)
    if not is_plain or not parts.hostname or "@" in parts.netloc or parts.path.strip("/"):
        raise ValueError(
            "Its endpoint is no address of a storage: write scheme and host alone, e.g. "
            "https://minio.example.com:9000."
        )
    return region, endpoint.rstrip("/")


def _needed(key: str, name: str) -> str:
    if not key:
        raise ValueError(f"{name} is not set: it holds the key of the storage.")
    return key
