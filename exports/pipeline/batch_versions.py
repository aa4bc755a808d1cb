"""Computes the batch version that the ledger stores."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from json import encoder
from typing import Any

from exports.models.ledger import Version

# The hash covers batchIdentifier, the three flags and four members of _info as JSON. Named here and
# not taken from the table of batches: one more name there would give every batch a new version, and
# each would be exported again. Ledgers hold hashes of exactly this text, so it must never change.


def _made_encoder() -> Any:
    """What json.dumps makes for each call; made once, values as few as these take half the time."""
    if encoder.c_make_encoder is None:  # type: ignore[attr-defined]  # not in the type stubs
        encode = json.JSONEncoder(default=str).encode
        return lambda values, _level: [encode(values)]
    ascii_only = encoder.encode_basestring_ascii
    return encoder.c_make_encoder(  # type: ignore[attr-defined]
        None, str, ascii_only, None, ": ", ", ", False, False, True
    )


_encode = _made_encoder()


def version_of(batch_id: int, record: Mapping[str, Any]) -> Version:
    """Id, last update as sent, 32 hex digits over the fields above, and the identifier.

    Extra API fields are not hashed: a field that ConnectWise adds later makes no new versions.
    Written for speed, as it runs for every batch.
    """
    info = record.get("_info")
    # Test for dict first: a test for Mapping costs as much as reading all the fields.
    members = info if type(info) is dict or isinstance(info, Mapping) else {}
    field, member = record.get, members.get
    identifier, updated = field("batchIdentifier"), member("lastUpdated")
    content = _encode(
        (
            identifier,
            field("exportInvoicesFlag"),
            field("exportExpensesFlag"),
            field("exportProductsFlag"),
            member("dateEntered"),
            member("enteredBy"),
            updated,
            member("updatedBy"),
        ),
        0,
    )
    return Version(
        batch_id,
        updated if type(updated) is str else str(updated or ""),
        blake2b("".join(content).encode(), digest_size=16).hexdigest(),
        None,
        identifier if type(identifier) is str else "" if identifier is None else str(identifier),
    )


def extra_hash_of(record: Mapping[str, Any]) -> str:
    """32 hex digits over all fields ConnectWise returned; their order does not matter."""
    content = json.dumps(record, default=_plain, sort_keys=True).encode()
    return blake2b(content, digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
