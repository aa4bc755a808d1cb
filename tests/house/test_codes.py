"""Every code is documented, and every documented code exists."""

import inspect
import re
from pathlib import Path

from exports.api.problems import ProblemCode
from exports.connectwise.http import addresses, errors, sites
from exports.models.codes import (
    Activity,
    ChannelErrorCode,
    DeliveryErrorCode,
    DueTimeCode,
    ErrorCode,
    EventCode,
    StepCode,
    SuspicionCode,
    WorkflowErrorCode,
)
from exports.pipeline import runner

DOCUMENT = (Path(__file__).parents[2] / "docs" / "codes.md").read_text()


def _codes_in_use() -> set[str]:
    classes = [
        *(kind for _, kind in inspect.getmembers(errors, inspect.isclass)),
        *(kind for _, kind in inspect.getmembers(addresses, inspect.isclass)),
        *(kind for _, kind in inspect.getmembers(sites, inspect.isclass)),
        *runner._EXPECTED,
    ]
    own = {str(kind.code) for kind in classes if isinstance(getattr(kind, "code", None), str)}
    tables = (
        *(Activity, ErrorCode, DeliveryErrorCode, DueTimeCode, SuspicionCode),
        *(ChannelErrorCode, EventCode, StepCode, WorkflowErrorCode, ProblemCode),
    )
    return own.union(*(table.values for table in tables))


def test_documented_codes_are_those_in_use() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \|", DOCUMENT, re.M)

    assert sorted(documented) == sorted(set(documented))
    assert set(documented) == _codes_in_use()
