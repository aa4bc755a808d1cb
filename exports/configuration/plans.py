"""What a load will do to one row, collected before anything is written."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model
from django.forms import BaseForm
from django.utils.translation import gettext as _

from exports.configuration.entries import Entry, Problem
from exports.connectwise.filter import literals

Row = TypeVar("Row", bound=Model)


@dataclass
class Findings:
    """Everything found about a file: errors that stop the load, and warnings."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass
class Plan(Generic[Row]):
    """An entry of the file, its row, and the changes (`page_size: 100 → 1000`)."""

    entry: Entry
    row: Row
    is_new: bool
    findings: Findings
    changes: list[str] = field(default_factory=list)
    wrong_keys: set[str] = field(default_factory=set)

    def add_error(self, key: str, sentence: object) -> None:
        self.wrong_keys.add(key)
        self.findings.problems.append(Problem(self.entry.line_of(key), str(sentence)))

    def warn(self, key: str, sentence: str) -> None:
        self.findings.warnings.append(Problem(self.entry.line_of(key), sentence))

    def change(self, key: str, name: str, value: Any) -> None:
        """Set the row's field `name`, called `key` in the file."""
        before = getattr(self.row, name)
        setattr(self.row, name, value)
        if before != value:
            self.note(key, before, value)

    def note(self, key: str, before: Any, after: Any) -> None:
        """Report a change; of a new row, only that it is new."""
        if not self.is_new:
            self.changes.append(f"{key}: {shown(before)} → {shown(after)}")

    def take_errors(self, form: BaseForm, *, skipped: Container[str]) -> None:
        """Report form errors at their lines in the file; its keys are named like the form's fields.

        Errors of keys that are missing or unreadable were reported before.
        """
        for key, sentences in form.errors.items():
            is_reported = key in self.wrong_keys
            # Also when the error was reported before, so that the row is not saved.
            self.wrong_keys.add(key)
            if is_reported or key in skipped or self.entry.is_unreadable(key):
                continue
            for sentence in sentences:
                self.add_error(key, sentence)


def check_repeated_names(plans: Iterable[Plan[Any]], message: str) -> None:
    """Report every name that an earlier entry of the same list already has.

    `message` is the sentence in English, with %(name)s and the %(line)s of the earlier entry.
    """
    first: dict[str, int] = {}
    for plan in plans:
        name = plan.entry.values.get("name")
        if name in first:
            plan.add_error("name", _(message) % {"name": name, "line": first[name]})
        elif name is not None:
            first[name] = plan.entry.line_of("name")


def shown(value: Any) -> str:
    """A value as the file would hold it, shortened to fit one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return as_moment(value)
    return literals.shown(str(value), 200) if value not in (None, "") else _("none")


def as_moment(moment: datetime) -> str:
    """A date as `2020-01-01T00:00:00Z`."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
