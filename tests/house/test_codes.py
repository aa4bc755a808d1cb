"""Every code is documented, and every documented code exists."""

import inspect
import re
from pathlib import Path

from exports.connectwise.http import addresses, errors
from exports.models.codes import Activity, DeliveryErrorCode, ErrorCode, SuspicionCode
from exports.pipeline import runner

DOCUMENT = (Path(__file__).parents[2] / "docs" / "codes.md").read_text()


def _codes_in_use() -> set[str]:
    classes = [
        *(kind for _, kind in inspect.getmembers(errors, inspect.isclass)),
        *(kind for _, kind in inspect.getmembers(addresses, inspect.isclass)),
        *runner._EXPECTED,
    ]
    own = {str(kind.code) for kind in classes if isinstance(getattr(kind, "code", None), str)}
    tables = (Activity, ErrorCode, DeliveryErrorCode, SuspicionCode)
    return own.union(*(table.values for table in tables))


def test_documented_codes_are_those_in_use() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \|", DOCUMENT, re.M)

    assert sorted(documented) == sorted(set(documented))
    assert set(documented) == _codes_in_use()
