"""The translatable messages of code and templates, and the entries of a catalogue.

Uses only Python and Django's template lexer, so that the tests do not need GNU gettext.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).parents[1]
# The stand-in speaks like ConnectWise; migrations hold old texts.
_STALLED: Final = ("demo", "migrations")

_SINGULAR: Final = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_PLURAL: Final = {"ngettext", "ngettext_lazy"}
MARKS: Final = _SINGULAR | _PLURAL

_STRING: Final = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_IN_TEMPLATE: Final = re.compile(
    rf"\b(npgettext|ngettext|pgettext|gettext|_)\(\s*({_STRING}(?:\s*,\s*{_STRING})*)", re.DOTALL
)


class Message(NamedTuple):
    """A message to translate; `plural` is "" where there is no number."""

    context: str
    text: str
    plural: str = ""


@dataclass
class Entry:
    """A message of a catalogue with its translations."""

    context: str = ""
    text: str = ""
    plural: str = ""
    forms: list[str] = field(default_factory=list)
    is_fuzzy: bool = False

    @property
    def message(self) -> Message:
        return Message(self.context, self.text, self.plural)


def python_files() -> list[Path]:
    """The modules with translated sentences."""
    found = sorted((ROOT / "exports").rglob("*.py"))
    return [path for path in found if path.relative_to(ROOT).parts[1] not in _STALLED]


def called(node: ast.Call) -> str:
    """The name of the called function, without its object."""
    target = node.func
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def messages() -> set[Message]:
    """Every message of code and templates, once, in the order of a catalogue."""
    found = set(_in_code()) | set(_in_templates())
    with_plural = {(one.context, one.text) for one in found if one.plural}
    return {one for one in found if one.plural or (one.context, one.text) not in with_plural}


def _in_code() -> Iterator[Message]:
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and called(node) in MARKS:
                wanted = 2 if called(node) in _PLURAL else 1
                literals = [one.value for one in node.args if isinstance(one, ast.Constant)]
                texts = [text for text in literals if isinstance(text, str)]
                if len(texts) == wanted:
                    yield Message("", *texts)


def _in_templates() -> Iterator[Message]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for name, listed in _IN_TEMPLATE.findall(templatize(path.read_text())):
            texts = [ast.literal_eval(text) for text in re.findall(_STRING, listed, re.DOTALL)]
            yield Message(*texts) if name.startswith(("p", "np")) else Message("", *texts)


def read_catalogue(path: Path) -> list[Entry]:
    """The entries of a .po file, including its header as the message without text."""
    blocks = re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip())
    return [_entry(block.splitlines()) for block in blocks if "\nmsgid " in f"\n{block}"]


def _entry(lines: Iterable[str]) -> Entry:
    entry = Entry()
    texts: dict[str, str] = {}
    keyword = ""
    for line in lines:
        if line.startswith("#,"):
            entry.is_fuzzy = "fuzzy" in line
        elif not line.startswith("#"):
            started = re.match(r"(msg\w+(?:\[\d\])?) ", line)
            keyword = started[1] if started else keyword
            text = ast.literal_eval(line[started.end() :] if started else line)
            texts[keyword] = texts.get(keyword, "") + text
    entry.context, entry.text = texts.get("msgctxt", ""), texts.get("msgid", "")
    entry.plural = texts.get("msgid_plural", "")
    entry.forms = [text for name, text in texts.items() if name.startswith("msgstr")]
    return entry
