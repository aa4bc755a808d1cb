"""The log of a run, in pieces of limited size: by level, and from a given line on."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy

from exports.models import Run, RunLogEntry
from exports.outside_numbers import read_number

LINES_AT_ONCE = 100
# What fits the page of an active run without scrolling.
LINES_AT_FIRST = 15


Level = RunLogEntry.Level
_SHOWN = {
    "": (Level.INFO, Level.WARNING, Level.ERROR),
    "warning": (Level.WARNING, Level.ERROR),
    "error": (Level.ERROR,),
}
_LABELS = {
    "": gettext_lazy("Everything"),
    "warning": gettext_lazy("Warnings and errors"),
    "error": gettext_lazy("Errors"),
}


@dataclass(frozen=True)
class LevelChoice:
    """A level to filter by; `line_count` is None while the log still grows."""

    value: str
    label: str
    line_count: int | None
    is_chosen: bool


@dataclass(frozen=True)
class LogLines:
    """Lines in the order they were written; the ids lead to the neighbouring pieces."""

    lines: list[RunLogEntry]
    level: str
    choices: list[LevelChoice]
    earlier_than: int | None = None
    later_than: int | None = None
    seen: int = 0

    @property
    def newest_id(self) -> int:
        """The line from which the next poll continues."""
        return self.lines[-1].pk if self.lines else self.seen


def log_lines(run: Run, asked: Mapping[str, str]) -> LogLines:
    """The piece that the address asks for: `level`, and `before` or `after` the id of a line.

    Invalid values are ignored: the newest lines of all levels are shown.
    """
    level = _level(asked)
    before, after = _line_id(asked, "before"), _line_id(asked, "after")
    size = LINES_AT_FIRST if run.is_active else LINES_AT_ONCE
    found = _entries(run, level)
    if after is not None:
        lines = list(found.filter(pk__gt=after).order_by("pk")[: size + 1])
        has_earlier, has_later = True, len(lines) > size
        lines = lines[:size]
    else:
        older = found.filter(pk__lt=before) if before is not None else found
        lines = list(older.order_by("-pk")[: size + 1])
        has_earlier, has_later = len(lines) > size, before is not None
        lines = lines[:size][::-1]
    return LogLines(
        lines,
        level,
        _choices(run, level),
        lines[0].pk if lines and has_earlier else None,
        lines[-1].pk if lines and has_later else None,
    )


def lines_since(run: Run, asked: Mapping[str, str]) -> LogLines:
    """What was written after the line `seen`; only the newest if that is more than a piece."""
    level, seen = _level(asked), _line_id(asked, "seen") or 0
    found = _entries(run, level).filter(pk__gt=seen)
    newest = list(found.order_by("-pk")[:LINES_AT_ONCE])[::-1]
    return LogLines(newest, level, [], seen=seen)


def _entries(run: Run, level: str) -> QuerySet[RunLogEntry]:
    entries = RunLogEntry.objects.filter(run=run)
    return entries.filter(level__in=_SHOWN[level]) if level else entries


def _choices(run: Run, chosen: str) -> list[LevelChoice]:
    counts: dict[str, int] = {}
    if not run.is_active:
        found = RunLogEntry.objects.filter(run=run).order_by().values_list("level")
        counts = dict(found.annotate(line_count=Count("pk")))
    return [
        LevelChoice(
            value,
            str(label),
            None if run.is_active else sum(counts.get(level, 0) for level in _SHOWN[value]),
            value == chosen,
        )
        for value, label in _LABELS.items()
    ]


def _level(asked: Mapping[str, str]) -> str:
    level = asked.get("level", "")
    return level if level in _SHOWN else ""


def _line_id(asked: Mapping[str, str], name: str) -> int | None:
    return read_number(asked.get(name, ""))
