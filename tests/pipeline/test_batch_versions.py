"""The version of a batch: stored hashes must never change their meaning (W7)."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.connectwise.json_numbers import NumberText
from exports.pipeline.batch_versions import version_of

_SCALARS = st.none() | st.booleans() | st.text() | st.text().map(NumberText)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
_NAMES = ["batchIdentifier", "exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag"]
INFO_MEMBERS = ["dateEntered", "enteredBy", "lastUpdated", "updatedBy"]


def _record(values: list[Any]) -> dict[str, Any]:
    fields = dict(zip([*_NAMES, *INFO_MEMBERS], values, strict=True))
    info = {name: fields.pop(name) for name in INFO_MEMBERS}
    return {"id": 1, **fields, "_info": info}


@given(st.lists(_VALUES, min_size=8, max_size=8))
@example(["\ud800", '"', True, False, None, "é", "2019-06-17T02:58:03Z", "Admin1"])
def test_hash_covers_elements_as_json(values: list[Any]) -> None:
    content = json.dumps(values).encode()

    assert version_of(1, _record(values)).content_hash == (
        hashlib.blake2b(content, digest_size=16).hexdigest()
    )


@pytest.mark.parametrize(
    ("record", "content_hash"),
    [
        (
            {
                "id": 284,
                "batchIdentifier": "20191015172525",
                "exportInvoicesFlag": False,
                "exportExpensesFlag": True,
                "exportProductsFlag": False,
                "_info": {"lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "Admin1"},
            },
            "1110b51efd5d59ad428f39b9db2674f3",
        ),
        ({"id": 284}, "d431452b5d003ff130c3583d98d5936c"),
    ],
)
def test_these_hashes_stand_in_ledgers(record: dict[str, Any], content_hash: str) -> None:
    assert version_of(284, record).content_hash == content_hash
