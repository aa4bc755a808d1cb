"""Computes the batch version that the ledger stores."""

import hashlib
import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from exports.models.ledger import Version

# The fields that the ledger's hashes are made of. Not taken from the table of batches: one more
# name there would give every batch a new version, and each would be exported again.
_FIELDS = ("batchIdentifier", "exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
_INFO_MEMBERS = ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
_encode = json.JSONEncoder(default=str).encode


def version_of(batch_id: int, record: Mapping[str, Any]) -> Version:
    """Id, last update as sent, 32 hex digits over the fields above, and the identifier.

    Extra API fields are not hashed: a field that ConnectWise adds later makes no new versions.
    """
    info = record.get("_info")
    # Test for dict first: a test for Mapping costs as much as reading all the fields.
    members = info if type(info) is dict or isinstance(info, Mapping) else {}
    values = [*map(record.get, _FIELDS), *map(members.get, _INFO_MEMBERS)]
    content = _as_json(values).encode()
    content_hash = hashlib.blake2b(content, digest_size=16).hexdigest()
    last_updated = str(members.get("lastUpdated") or "")
    name = values[0]
    identifier = "" if name is None else name if type(name) is str else str(name)
    return Version(batch_id, last_updated, content_hash, None, identifier)


def extra_hash_of(record: Mapping[str, Any]) -> str:
    """32 hex digits over all fields ConnectWise returned; their order does not matter."""
    content = json.dumps(record, default=_plain, sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _as_json(values: list[Any]) -> str:
    """The text json.dumps would write, in half the time, as this runs for every batch.

    Ledgers hold hashes of exactly this text, so it must never change.
    """
    parts = []
    for value in values:
        if type(value) is str:
            parts.append(quote(value))
        elif value is None:
            parts.append("null")
        elif isinstance(value, str):
            parts.append(quote(value))
        else:
            parts.append("true" if value is True else "false" if value is False else _encode(value))
    return f"[{', '.join(parts)}]"
