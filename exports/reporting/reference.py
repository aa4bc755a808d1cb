"""The reference in Help: every setting, code, event, action and metric.

What a code means stands in one place, docs/codes.md, and a setting in README.md; both lie beside
the program, in English. Values of settings are never read here.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy

from exports.models.audit_actions import AuditAction
from exports.models.codes import EventCode
from exports.reporting.audit_words import action_words
from exports.reporting.metrics.table import METRICS

_ROOT: Final = Path(__file__).parents[2]
_EVENTS: Final = "What people are told"
_CELLS: Final = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class ReferenceRow:
    """`name` is the code; `words` what pages call it, or the default of a setting."""

    name: str
    words: str
    meaning: str


@dataclass(frozen=True)
class ReferenceTable:
    anchor: str
    title: str | Promise
    words_label: str | Promise = ""
    rows: list[ReferenceRow] = field(default_factory=list)
    # In English, whatever the language of the page.
    is_english: bool = True
    is_title_english: bool = False
    # Where the meaning stands, for an installation without the documents.
    source: str = ""


def reference_tables() -> list[ReferenceTable]:
    return [_settings(), *_codes(), _actions(), _metrics()]


def _settings() -> ReferenceTable:
    title, label = gettext_lazy("Settings"), gettext_lazy("Default")
    text = _document("README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [ReferenceRow(name, rest[0], rest[-1]) for name, *rest in _table_rows(text)]
    return ReferenceTable("settings", title, label, rows, source="README.md")


def _codes() -> Iterator[ReferenceTable]:
    """A table for each section of the document; events also in the words of the pages."""
    sections = _document("docs/codes.md").split("\n## ")[1:]
    if not sections:
        yield ReferenceTable("codes", gettext_lazy("Codes"), source="docs/codes.md")
    for section in sections:
        title, _, text = section.partition("\n")
        rows = [ReferenceRow(name, "", rest[-1]) for name, *rest in _table_rows(text)]
        if title == _EVENTS:
            yield _events(rows)
        else:
            yield ReferenceTable(
                slugify(title), title, rows=rows, is_title_english=True, source="docs/codes.md"
            )


def _events(rows: list[ReferenceRow]) -> ReferenceTable:
    labels = {code: str(label) for code, label in EventCode.choices}
    named = [ReferenceRow(row.name, labels.get(row.name, ""), row.meaning) for row in rows]
    title, label = gettext_lazy("Events that channels are told"), gettext_lazy("Event")
    return ReferenceTable("events", title, label, named, source="docs/codes.md")


def _actions() -> ReferenceTable:
    title = gettext_lazy("Actions of the audit log")
    rows = [ReferenceRow(code, "", action_words(code)) for code in AuditAction.values]
    return ReferenceTable("actions", title, "", rows, is_english=False)


def _metrics() -> ReferenceTable:
    title, label = gettext_lazy("Metrics"), gettext_lazy("Labels")
    rows = [ReferenceRow(row.name, ", ".join(row.labels), row.meaning) for row in METRICS]
    return ReferenceTable("metrics", title, label, rows)


@cache
def _document(name: str) -> str:
    """The text; "" where only the program was installed."""
    with suppress(OSError):
        return (_ROOT / name).read_text(encoding="utf-8")
    return ""


def _table_rows(text: str) -> Iterator[list[str]]:
    """The cells of each row that begins with a name in backticks, without these."""
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]]
        if len(cells) > 1 and re.fullmatch(r"`[\w.]+`", cells[0]):
            yield [cells[0].strip("`"), *cells[1:]]
