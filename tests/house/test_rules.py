"""docs/rules.md is complete: each cited number exists, each rule is tested or not built yet."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for folder in ("cwexport", "exports", "tests", "templates")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".html", ".js", ".css", ".md"}
    and not {"vendor", "axe"} & {*path.parts}
]
# A cited number, not a part of a name, a colour or an escape.
NUMBER = re.compile(r"(?<![\w%#.&/-])([BCFWPHXORESKNDGALIQ]\d{1,2})(?![\w%;])")
RULE = re.compile(r"^- \*\*(?P<number>[A-Z]\d+)\*\* (?P<text>.+)\n  → (?P<place>.+)$", re.MULTILINE)
RULES = {
    rule["number"]: rule["place"] for rule in RULE.finditer((ROOT / "docs/rules.md").read_text())
}
BUILT = {number: place for number, place in RULES.items() if not place.startswith("not built yet")}


def words_of(path: Path) -> Iterator[str]:
    """The comments and docstrings of a Python file; all text of any other."""
    text = path.read_text()
    if path.suffix != ".py":
        yield re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented):
            yield ast.get_docstring(node) or ""


def rules_named_by_tests() -> set[str]:
    named = re.compile(r"pytest\.mark\.rule\(([^)]*)\)")
    return {
        number
        for path in (ROOT / "tests").rglob("test_*.py")
        for marker in named.findall(path.read_text())
        for number in re.findall(r'"([A-Z]\d+)"', marker)
    }


def test_each_rule_stands_there_once() -> None:
    numbers = re.findall(r"^- \*\*(\w+)\*\*", (ROOT / "docs/rules.md").read_text(), re.MULTILINE)

    assert len(numbers) > 80
    assert sorted(numbers) == sorted(RULES)


def test_every_cited_number_is_a_rule() -> None:
    unknown = {
        (str(path.relative_to(ROOT)), number)
        for path in CODE
        for words in words_of(path)
        for number in NUMBER.findall(words)
        if number not in RULES
    }

    assert unknown == set()


def test_numbers_only_add_to_the_meaning() -> None:
    """A number stands in brackets after its meaning, so that nobody has to look it up."""
    bare = {
        (str(path.relative_to(ROOT)), number)
        for path in CODE
        if path.suffix == ".py"
        for words in words_of(path)
        for number in NUMBER.findall(re.sub(r"\([^()]*\)", "", words))
        # A kind of storage is called like a rule of schedules.
        if not (number == "S3" and ("s3" in path.name or path.name == "deliveries.py"))
    }

    assert bare == set()


def test_every_built_rule_has_a_place() -> None:
    missing = {
        (number, place)
        for number, places in BUILT.items()
        for place in re.findall(r"`([^`]+)`", places)
        if not (ROOT / place).exists()
    }

    assert missing == set()
    assert all("`" in place for place in RULES.values())


def test_every_built_rule_is_named_by_tests() -> None:
    named = rules_named_by_tests()

    assert set(BUILT) - named == set()
    assert named - set(RULES) == set()


@pytest.mark.parametrize("letter", sorted({number[0] for number in RULES}))
def test_rules_of_a_letter_are_counted_through(letter: str) -> None:
    numbers = [int(number[1:]) for number in RULES if number[0] == letter]

    assert numbers == list(range(1, len(numbers) + 1))
