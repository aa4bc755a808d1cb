"""docs/glossary.md matches the pages, and module names are specific."""

import re
from pathlib import Path

import pytest
from django.utils.translation import gettext, override

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (ROOT / "docs/glossary.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
# Word, then a column for each language, then the meaning.
SHOWN = [(row[1], row[2]) for row in ROWS if row[1] != "–"]
# Names that say nothing about the content.
EMPTY = {"utils", "helpers", "common", "misc", "base", "manager", "handler", "service", "data"} | {
    "info"
}


def test_each_word_is_explained_once() -> None:
    words = [word for row in ROWS for word in row[0].split(", ")]

    assert len(words) == len(set(words)) > 40
    assert all(len(row) == len(ROWS[0]) and len(row[-1]) > 10 for row in ROWS)


@pytest.mark.parametrize(("english", "german"), SHOWN)
def test_german_words_are_those_of_the_catalogue(english: str, german: str) -> None:
    """Only words that stand alone on a page are in the catalogue as such."""
    with override("de"):
        translated = gettext(english)

    assert translated in (german, english)


def test_no_module_has_an_empty_name() -> None:
    named = {
        str(path.relative_to(ROOT))
        for folder in ("cwexport", "exports", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if {re.sub("s$", "", word) for word in (path.stem, path.parent.name)}
        & {re.sub("s$", "", word) for word in EMPTY}
    }

    assert named == set()
