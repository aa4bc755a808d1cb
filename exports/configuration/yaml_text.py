"""YAML as text and lines: only nodes are composed, no objects, so no code can run."""

from typing import Any, Final

import yaml
from django.utils.translation import gettext as _

# File, list, task, list, condition: five are needed; many more would exhaust the stack.
MAX_DEPTH: Final = 20
# Reading this much takes ten seconds.
MAX_BYTES: Final = 1_000_000


class UnreadableError(Exception):
    """The file cannot be read as a whole, because of `line`, counted from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


def compose(content: bytes) -> yaml.Node:
    """The nodes of the only YAML document in `content`. Raises UnreadableError."""
    if len(content) > MAX_BYTES:
        message = _(
            "The file is larger than %(most)s kilobytes, room for some thousand tasks. Share it "
            "out over several files."
        )
        raise UnreadableError(1, message % {"most": MAX_BYTES // 1000})
    text = _decoded(content)
    try:
        loader = _PlainLoader(text)
        root: yaml.Node | None = loader.get_single_node()
    except (ValueError, OverflowError):
        # PyYAML's scanner passes "\UFFFFFFFF" to chr(), which raises.
        sentence = _("This is not YAML: an escape names no character.")
        raise UnreadableError(loader.line + 1, sentence) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = _("This is not YAML: %(reason)s. Check indentation, colons and quotes here.")
        params = {"reason": error.problem or error.context}
        raise UnreadableError(_line(mark), sentence % params) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableError(line, _("YAML cannot hold the control character here.")) from None
    if root is None:
        raise UnreadableError(1, _("The file is empty: it holds connections: and tasks:."))
    return root


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError(line, _("This is not UTF-8: save the file in UTF-8.")) from None


class _PlainLoader(yaml.SafeLoader):
    """Refuses YAML features that are not needed and that a hostile file could misuse."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def get_event(self) -> yaml.Event:
        event: yaml.Event = super().get_event()  # type: ignore[no-untyped-call]
        self._depth += isinstance(event, yaml.CollectionStartEvent)
        self._depth -= isinstance(event, yaml.CollectionEndEvent)
        if error := _event_error(event, self._depth):
            raise UnreadableError(_line(event.start_mark), error)
        return event


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _event_error(event: yaml.Event, depth: int) -> str:
    if depth > MAX_DEPTH:
        return _("This is nested deeper than any key of the form.")
    if getattr(event, "anchor", None):
        return _("Anchors and aliases (& and *) are not read: write the value out.")
    if getattr(event, "tag", None):
        return _("Tags (words with !) are not read: leave it out.")
    return ""
