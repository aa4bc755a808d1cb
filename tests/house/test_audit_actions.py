"""docs/audit.md lists every action of the audit log."""

import re
from pathlib import Path

from exports.models import AuditAction
from exports.reporting.audit_words import TYPES, action_words

LISTED = dict(
    re.findall(
        r"^\| `([a-z_.]+)` \| (.+) \|$",
        (Path(__file__).parents[2] / "docs/audit.md").read_text(),
        re.MULTILINE,
    )
)


def test_documented_actions_are_those_of_the_code() -> None:
    assert {action.value: action_words(action.value) for action in AuditAction} == LISTED


def test_every_action_is_about_something_named() -> None:
    assert {action.value.partition(".")[0] for action in AuditAction} <= TYPES.keys()
