"""Reads a configuration file: YAML, the line of every key, and all errors.

Scalars are the literal text of the file, not YAML's values: `value: True` is the text "True", and a
date is read by the same grammar as in a condition.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.yaml_text import UnreadableError, compose
from exports.connectwise.filter import literals

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
class Configuration:
    """The content of a file; `problems` are those found without the database."""

    connections: tuple[Entry, ...] = ()
    tasks: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


def read(content: bytes) -> Configuration:
    """Read a whole file. Errors are collected in `problems`; everything else is still read."""
    try:
        root = compose(content)
    except UnreadableError as error:
        return Configuration(problems=(Problem(error.line, str(error)),))
    problems: list[Problem] = []
    try:
        file = _entry(root, _FILE, problems)
    except _NodeError as error:
        return Configuration(problems=(Problem(1, error.sentence()),))
    return Configuration(
        connections=file.values.get("connections", ()),
        tasks=file.values.get("tasks", ()),
        problems=tuple(problems),
    )


def nearest(name: str, known: list[str]) -> str:
    """`Did you mean Acme?`, or the names to choose from."""
    lower = {choice.lower(): choice for choice in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    if close:
        return _("Did you mean %(name)s?") % {"name": lower[close[0]]}
    if known:
        return _("Known: %(names)s.") % {"names": ", ".join(known[:20])}
    return _("There are none yet.")


class _NodeError(ValueError):
    """A node that cannot be used; `message`, in English, may have a %(key)s to fill in."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message)
        self._message = message
        self._values = values

    def sentence(self, key: str = "") -> str:
        return _(self._message) % {"key": key, **self._values}


_Parse = Callable[[yaml.Node, list[Problem]], Any]


@dataclass(frozen=True)
class _Key:
    parse: _Parse
    is_required: bool = False
    keeps_null: bool = False


@dataclass(frozen=True)
class _Group:
    """What an entry may hold, and the English sentences for its errors."""

    keys: Mapping[str, _Key]
    no_group: str
    no_key: str
    key_needed: str = ""
    no_list: str = ""


def _entry(node: yaml.Node, group: _Group, problems: list[Problem]) -> Entry:
    keys = group.keys
    if not isinstance(node, yaml.MappingNode):
        raise _NodeError(group.no_group, kind=_kind_of(node), example=next(iter(keys)))
    entry = Entry(node.start_mark.line + 1)
    for key_node, value_node in node.value:
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
    entry: Entry, key: str, parse: _Parse, node: yaml.Node, problems: list[Problem]
) -> None:
    try:
        entry.values[key] = parse(node, problems)
    except _NodeError as error:
        problems.append(Problem(entry.lines[key], error.sentence(key)))


def _kind_of(node: yaml.Node) -> str:
    return _(_KIND_WORDS[type(node)])


def _entries(group: _Group) -> _Parse:
    def parse(node: yaml.Node, problems: list[Problem]) -> tuple[Entry, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise _NodeError(group.no_list, kind=_kind_of(node))
        return tuple(_listed(node, group, problems))

    return parse


def _listed(node: yaml.SequenceNode, group: _Group, problems: list[Problem]) -> Iterator[Entry]:
    for member in node.value:
        try:
            yield _entry(member, group, problems)
        except _NodeError as error:
            problems.append(Problem(member.start_mark.line + 1, error.sentence()))


def _scalar(node: yaml.Node, message: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _NodeError(message, kind=_kind_of(node))
    return str(node.value)


def _text(node: yaml.Node, problems: list[Problem]) -> str:
    return _scalar(node, _NO_TEXT).strip()


def _typed(node: yaml.Node, problems: list[Problem]) -> str:
    """A text of a condition, unchanged: the filter's grammar checks it."""
    return _scalar(node, _NO_TEXT)


def _value(node: yaml.Node, problems: list[Problem]) -> str:
    """The value of a condition; `null` is one of its literals."""
    if isinstance(node, yaml.SequenceNode) and node.flow_style and node.start_mark.buffer:
        # [2020-01-01T00:00:00Z] without quotes is meant as a date, but YAML reads a list.
        typed = node.start_mark.buffer[node.start_mark.pointer : node.end_mark.pointer]
        message = gettext_noop("%(key)s is a list to YAML: put quotes around it, '%(text)s'.")
        raise _NodeError(message, text=literals.shown(typed))
    return _scalar(node, gettext_noop("%(key)s is %(kind)s: write text in quotes."))


def _flag(node: yaml.Node, problems: list[Problem]) -> bool:
    text = _scalar(node, gettext_noop("%(key)s is %(kind)s: write true or false."))
    known: Mapping[str, bool] = yaml.SafeLoader.bool_values
    if text.lower() not in known:
        message = gettext_noop("%(key)s is %(text)s: write true or false.")
        raise _NodeError(message, text=literals.shown(text))
    return known[text.lower()]


_NO_TEXT: Final = gettext_noop("%(key)s is %(kind)s: write one piece of text.")
_CONDITION: Final = _Group(
    {
        "field": _Key(_typed, is_required=True),
        "comparison": _Key(_typed, is_required=True),
        "value": _Key(_value, keeps_null=True),
        "logic": _Key(_typed),
    },
    no_group=gettext_noop("Here a condition is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a condition."),
    key_needed=gettext_noop("A condition needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a condition."),
)
_CONNECTION_KEYS: Final = {
    "name": _Key(_text, is_required=True),
    "site": _Key(_text, is_required=True),
    "company": _Key(_text, is_required=True),
    "public_key": _Key(_text, is_required=True),
    "private_key_env": _Key(_text),
    "client_id": _Key(_text),
    "parallel_requests": _Key(_text),
    "default": _Key(_flag),
}
_TASK_KEYS: Final = {
    "name": _Key(_text, is_required=True),
    "connection": _Key(_text),
    "export": _Key(_text, is_required=True),
    "date_created": _Key(_text),
    "date_modified": _Key(_text),
    "page_size": _Key(_text),
    "output_file": _Key(_text, is_required=True),
    "include_extra_fields": _Key(_flag),
    "conditions": _Key(_entries(_CONDITION)),
    "references_to_fetch_page_size": _Key(_text),
    "enabled": _Key(_flag),
    "can_resume_from_failure": _Key(_flag),
    "on_failure_task": _Key(_text),
    "break_on_failure": _Key(_flag),
}
_CONNECTION: Final = _Group(
    _CONNECTION_KEYS,
    no_group=gettext_noop("Here a connection is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a connection."),
    key_needed=gettext_noop("A connection needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a connection."),
)
_TASK: Final = _Group(
    _TASK_KEYS,
    no_group=gettext_noop("Here a task is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a task."),
    key_needed=gettext_noop("A task needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a task."),
)
_FILE: Final = _Group(
    {"connections": _Key(_entries(_CONNECTION)), "tasks": _Key(_entries(_TASK))},
    no_group=gettext_noop("The file is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of the file."),
)
