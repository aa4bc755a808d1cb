"""One row of a table adds a comparison or a field: nothing else has to change."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPARISON = """    Comparison(
        "OneMore", "onemore", _TEXT, "%(field)s starts with %(value)s", example="{:.2}"
    ),
"""
FIELDS = """    Field("glClass", FieldType.TEXT, "Class", examples=("A1", "B2")),
    Field("paidFlag", FieldType.FLAG, "Paid"),
    Field("_info/closedBy", FieldType.TEXT, "Closed by"),
"""


@pytest.fixture
def copy_of_the_tree(tmp_path: Path) -> Path:
    for folder in ("exports", "cwexport", "templates", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "browser", "stress")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def add_rows(path: Path, rows: str, *, before: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, rows + before))


def asked(folder: Path, script: str) -> Any:
    """The JSON that a script prints when run with Django in this folder."""
    setup = "import django, json; django.setup()\n"
    command = [sys.executable, "-c", setup + script]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "CWEXPORT_DATA_DIR": str(folder / "var"),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run_tests(folder: Path, *tests: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = dict(os.environ)
    # On PostgreSQL they would take, and drop, the database of the tests that run around them.
    environment.pop("CWEXPORT_TEST_DATABASE_URL", None)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


USE_THE_COMPARISON = """
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import Condition
from exports.forms.condition_row import ConditionForm

row = Condition("batchIdentifier", "OneMore", '"20"')
form = ConditionForm({"field": row.field, "comparison": row.comparison, "value": ""})
number = ConditionForm({"field": "id"})
print(json.dumps({
    "sent": conditions.render([row], FIELD_TYPES),
    "in words": conditions.in_words([row], FIELD_TYPES),
    "example": form.example(),
    "offered": ("OneMore", "OneMore") in form.comparisons(),
    "offered for numbers": ("OneMore", "OneMore") in number.comparisons(),
    "error": str(form.error()),
}))
"""


def test_one_row_makes_a_comparison(copy_of_the_tree: Path) -> None:
    table = copy_of_the_tree / "exports/connectwise/filter/comparisons.py"
    add_rows(table, COMPARISON, before=")\nBY_NAME")

    assert asked(copy_of_the_tree, USE_THE_COMPARISON) == {
        "sent": 'batchIdentifier onemore "20"',
        "in words": 'batches where batchIdentifier starts with "20"',
        "example": '"20"',
        "offered": True,
        "offered for numbers": False,
        "error": "The value for batchIdentifier is blank; OneMore takes text in quotes. "
        'Example: batchIdentifier OneMore "20"',
    }
    run_tests(
        copy_of_the_tree,
        "tests/connectwise/filter/test_conditions.py",
        "tests/pipeline/test_filters.py::test_every_comparison_the_stand_in_knows_is_tried",
    )


USE_THE_FIELDS = """
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import Condition
from exports.forms.condition_row import ConditionForm
from exports.forms.conditions import ConditionRows, row_data
from exports.live_checks.sample import first_batches
from exports.pipeline.batch_versions import version_of
from lxml import etree
from exports.connectwise.xml.schema import schema

record = {"id": 1, "batchIdentifier": "b", "glClass": "A1", "paidFlag": True,
          "_info": {"updatedBy": "Ann", "closedBy": "Ben"}}
old = {"id": 1, "batchIdentifier": "b", "_info": {"updatedBy": "Ann"}}
sample = first_batches([record, old], include_extra_fields=False)
document = etree.fromstring(sample.xml.encode())
etree.XMLSchema(etree.fromstring(schema())).assertValid(document)
form = ConditionForm({"field": "glClass", "comparison": "Equal"})
rows = [Condition("glClass", "Equal", '"A1"', "And"), Condition("closedBy", "Equal", '"Ben"', "")]
known = ConditionRows(row_data(rows), prefix="conditions").known_fields()
print(json.dumps({
    "columns": sample.columns[-2:],
    "members": [name for name in sample.columns if name.startswith("_info")],
    "schema": schema().decode().count("paidFlag"),
    "hash": version_of(1, record).content_hash == version_of(1, old).content_hash,
    "sent": conditions.render(rows, FIELD_TYPES),
    "warnings": [w for row in rows for w in conditions.warnings_for(row, FIELD_TYPES)],
    "hint": form.hint(),
    "example": form.example(),
    "suggested": [list(one) for one in known if one[0] in ("paidFlag", "_info/closedBy")],
}))
"""


def test_one_row_makes_a_field(copy_of_the_tree: Path) -> None:
    table = copy_of_the_tree / "exports/connectwise/batch_fields.py"
    add_rows(table, FIELDS, before='    Field("closedFlag"')

    assert asked(copy_of_the_tree, USE_THE_FIELDS) == {
        "columns": ["glClass", "paidFlag"],
        "members": ["_info/updatedBy", "_info/closedBy"],
        "schema": 1,
        "hash": True,
        "sent": 'glClass = "A1" and closedBy = "Ben"',
        "warnings": [],
        "hint": "Class: text",
        "example": '"A1"',
        "suggested": [["paidFlag", "Paid: True or False"], ["_info/closedBy", "Closed by: text"]],
    }
    run_tests(
        copy_of_the_tree,
        "tests/connectwise/test_batch_fields.py",
        "tests/pipeline/test_batch_versions.py",
    )
