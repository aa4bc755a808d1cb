"""What a key of a configuration file may hold: text, names, yes or no, the value of a condition.

Scalars are the literal text of the file, not YAML's values: `value: True` is the text "True", and a
date is read by the same grammar as in a condition.
"""

from collections.abc import Mapping
from typing import Final

import yaml
from django.utils.translation import gettext_noop

from exports.configuration.entries import MAX_ENTRIES, Name, NodeError, Problem, kind_of
from exports.connectwise.filter import literals

_NO_NAMES: Final = gettext_noop("%(key)s is %(kind)s: write a list of names, like [First, Second].")
_NO_TEXTS: Final = gettext_noop("%(key)s is %(kind)s: write keys with text, like url: https://….")
_NO_TEXT: Final = gettext_noop("%(key)s is %(kind)s: write one piece of text.")


def text(node: yaml.Node, problems: list[Problem]) -> str:
    return _scalar(node, _NO_TEXT).strip()


def typed(node: yaml.Node, problems: list[Problem]) -> str:
    """A text of a condition, unchanged: the filter's grammar checks it."""
    return _scalar(node, _NO_TEXT)


def names(node: yaml.Node, problems: list[Problem]) -> tuple[Name, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise NodeError(_NO_NAMES, kind=kind_of(node))
    found = []
    for member in node.value[:MAX_ENTRIES]:
        name = _scalar(member, gettext_noop("%(key)s holds %(kind)s: write names, nothing else."))
        found.append(Name(member.start_mark.line + 1, name.strip()))
    return tuple(found)


def texts(node: yaml.Node, problems: list[Problem]) -> dict[str, str]:
    """Keys of a kind's own, each with one piece of text."""
    if not isinstance(node, yaml.MappingNode):
        raise NodeError(_NO_TEXTS, kind=kind_of(node))
    found = {}
    for key_node, value_node in node.value[:MAX_ENTRIES]:
        key = _scalar(key_node, _NO_TEXTS).strip()
        found[key] = _scalar(value_node, gettext_noop("%(key)s holds %(kind)s: write text."))
    return found


def condition_value(node: yaml.Node, problems: list[Problem]) -> str:
    """The value of a condition; `null` is one of its literals."""
    if isinstance(node, yaml.SequenceNode) and node.flow_style and node.start_mark.buffer:
        # [2020-01-01T00:00:00Z] without quotes is meant as a date, but YAML reads a list.
        written = node.start_mark.buffer[node.start_mark.pointer : node.end_mark.pointer]
        message = gettext_noop("%(key)s is a list to YAML: put quotes around it, '%(text)s'.")
        raise NodeError(message, text=literals.shown(written))
    return _scalar(node, gettext_noop("%(key)s is %(kind)s: write text in quotes."))


def flag(node: yaml.Node, problems: list[Problem]) -> bool:
    written = _scalar(node, gettext_noop("%(key)s is %(kind)s: write true or false."))
    known: Mapping[str, bool] = yaml.SafeLoader.bool_values
    if written.lower() not in known:
        message = gettext_noop("%(key)s is %(text)s: write true or false.")
        raise NodeError(message, text=literals.shown(written))
    return known[written.lower()]


def _scalar(node: yaml.Node, message: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise NodeError(message, kind=kind_of(node))
    return str(node.value)
