"""The list of faults only names existing tests."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(\w+)`", Path(__file__).with_name("README.md").read_text()
)


def test_the_list_names_tests() -> None:
    assert len(NAMED) > 60


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_every_test_that_the_list_names_is_there(path: str) -> None:
    defined = {
        node.name
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }

    assert {name for where, name in NAMED if where == path} <= defined
