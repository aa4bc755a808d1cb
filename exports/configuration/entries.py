"""Groups of keys in a configuration file: what could be read, the line of every key, all errors.

What a group may hold, and what each key may hold, is handed in: `keys` has the tables.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.known_names import nearest
from exports.configuration.yaml_text import UnreadableError
from exports.connectwise.filter import literals

# One entry takes some hundredths of a second to check.
MAX_ENTRIES: Final = 2_000
# After so many errors the rest is not read: it is no such file, or one mistake repeated.
MAX_PROBLEMS: Final = 200
_NULL: Final = "tag:yaml.org,2002:null"
_KIND_WORDS: Final = {
    yaml.ScalarNode: gettext_noop("plain text"),
    yaml.SequenceNode: gettext_noop("a list"),
    yaml.MappingNode: gettext_noop("a group of keys"),
}


@dataclass(frozen=True)
class Problem:
    """A sentence about a line of the file, counted from 1."""

    line: int
    sentence: str


@dataclass(frozen=True)
class Entry:
    """One group of keys: the values that could be read, and the line of every key."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)

    def is_unreadable(self, key: str) -> bool:
        """Whether the key is given but its value could not be read."""
        return key in self.lines and key not in self.values


@dataclass(frozen=True)
class Name:
    """One name of a list, and its line."""

    line: int
    text: str


class NodeError(ValueError):
    """A node that cannot be used; `message`, in English, may have a %(key)s to fill in."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message)
        self._message = message
        self._values = values

    def sentence(self, key: str = "") -> str:
        return _(self._message) % {"key": key, **self._values}


Parse = Callable[[yaml.Node, list[Problem]], Any]


@dataclass(frozen=True)
class Key:
    parse: Parse
    is_required: bool = False
    keeps_null: bool = False


@dataclass(frozen=True)
class Group:
    """What an entry may hold, and the English sentences for its errors."""

    keys: Mapping[str, Key]
    no_group: str
    no_key: str
    key_needed: str = ""
    no_list: str = ""


def read_entry(node: yaml.Node, group: Group, problems: list[Problem]) -> Entry:
    keys = group.keys
    if not isinstance(node, yaml.MappingNode):
        raise NodeError(group.no_group, kind=kind_of(node), example=next(iter(keys)))
    entry = Entry(node.start_mark.line + 1)
    for key_node, value_node in node.value:
        if len(problems) >= MAX_PROBLEMS:
            break
        line = key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        if key not in keys:
            unknown = _(group.no_key) % {"key": literals.shown(key) or _("A list or a group")}
            problems.append(Problem(line, f"{unknown} {nearest(key, list(keys))}"))
        elif key in entry.lines:
            twice = _("%(key)s stands here twice, first on line %(line)s.")
            problems.append(Problem(line, twice % {"key": key, "line": entry.lines[key]}))
        elif value_node.tag != _NULL or keys[key].keeps_null:
            entry.lines[key] = line
            _read_value(entry, key, keys[key].parse, value_node, problems)
    problems.extend(
        Problem(entry.line, _(group.key_needed) % {"key": key})
        for key in keys
        if keys[key].is_required and key not in entry.lines
    )
    return entry


def _read_value(
    entry: Entry, key: str, parse: Parse, node: yaml.Node, problems: list[Problem]
) -> None:
    try:
        entry.values[key] = parse(node, problems)
    except NodeError as error:
        problems.append(Problem(entry.lines[key], error.sentence(key)))


def kind_of(node: yaml.Node) -> str:
    return _(_KIND_WORDS[type(node)])


def entries(group: Group) -> Parse:
    def parse(node: yaml.Node, problems: list[Problem]) -> tuple[Entry, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise NodeError(group.no_list, kind=kind_of(node))
        return tuple(_listed(node, group, problems))

    return parse


def _listed(node: yaml.SequenceNode, group: Group, problems: list[Problem]) -> Iterator[Entry]:
    for member in node.value[:MAX_ENTRIES]:
        if len(problems) >= MAX_PROBLEMS:
            return
        try:
            yield read_entry(member, group, problems)
        except NodeError as error:
            problems.append(Problem(member.start_mark.line + 1, error.sentence()))
    if len(node.value) > MAX_ENTRIES:
        # Nothing is checked then, as that would take a minute.
        message = _("This list has more than %(most)s entries. Share it out over several files.")
        line = node.value[MAX_ENTRIES].start_mark.line + 1
        raise UnreadableError(line, message % {"most": MAX_ENTRIES})
