"""Translation for `exports.connectwise`, which must not import Django: English by default.

Sentences are marked with `_("…")`, so that translators find them, and translated when that call
runs. Constant tables hold `gettext_noop("…")` and are translated at use. Every sentence is a
`Message`: it keeps its source text and parameters, so that it can be stored and later shown in
another language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final


def _as_written(message: str) -> str:
    return message


def _one_or_many(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _with_commas(number: int) -> str:
    return f"{number:,}"


_translate: Callable[[str], str] = _as_written
_translate_plural: Callable[[str, str, int], str] = _one_or_many
_group: Callable[[int], str] = _with_commas


def speak(
    translate: Callable[[str], str] = _as_written,
    translate_plural: Callable[[str, str, int], str] = _one_or_many,
    group: Callable[[int], str] = _with_commas,
) -> None:
    """Set the translation functions; without arguments, back to English.

    They are called for each sentence, so the language may change at any time.
    """
    global _translate, _translate_plural, _group
    _translate, _translate_plural, _group = translate, translate_plural, group


class Message(str):
    """A sentence in the language current when it was made; `data` rebuilds it in another.

    `data` is JSON: `{"text": source, "params": {…}}`, with a plural also `"many"` and `"count"`;
    `{"parts": […]}` for joined sentences; `{"number": 1234}` for a grouped number. A parameter is
    a string, a number, null or such a structure.
    """

    __slots__ = ("data",)
    data: dict[str, Any]

    def __new__(cls, text: str, data: dict[str, Any]) -> Message:
        message = super().__new__(cls, text)
        message.data = data
        return message

    def __mod__(self, params: Any) -> Message:
        """The sentence with its placeholders filled in from a mapping."""
        stored = {name: _storable(value) for name, value in dict(params).items()}
        return Message(super().__mod__(params), {**self.data, "params": stored})

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Message:
        """The sentence for `data` in the current language. Raises KeyError, TypeError."""
        if "number" in data:
            return grouped(data["number"])
        if "parts" in data:
            return joined(cls.from_data(part) for part in data["parts"])
        if "many" in data:
            message = ngettext(data["text"], data["many"], data["count"])
        else:
            message = gettext(data["text"])
        params = data.get("params")
        if params is None:
            return message
        return message % {name: _restored(value) for name, value in params.items()}

    def with_params(self, change: Callable[[str], str]) -> Message:
        """The same sentence with every text that was filled in changed, e.g. shortened."""
        return Message.from_data(_with_params(self.data, change))


def gettext(message: str) -> Message:
    """`message` in the current language, with placeholders such as `%(host)s` unfilled."""
    return Message(_translate(message) if message else "", {"text": message})


def ngettext(one: str, many: str, count: int) -> Message:
    """The singular or plural for `count`; languages have up to six forms."""
    data = {"text": one, "many": many, "count": count}
    return Message(_translate_plural(one, many, count), data)


def gettext_noop(message: str) -> str:
    """`message` unchanged, marked for translators and translated at use."""
    return message


def grouped(number: int) -> Message:
    """`12,345`, as written in the current language."""
    return Message(_group(number), {"number": number})


def joined(sentences: Iterable[str]) -> Message:
    """Several sentences joined into one Message."""
    parts = list(sentences)
    return Message(" ".join(parts), {"parts": [_as_data(part) for part in parts]})


def message_of(error: Exception) -> str:
    """The error's text for people, as a Message if it was made with one."""
    message = getattr(error, "message", None)
    if not isinstance(message, Message) and error.args:
        message = error.args[0]
    return message if isinstance(message, Message) else str(error)


_PLAIN: Final = (str, int, float, type(None))


def _as_data(part: str) -> dict[str, Any]:
    # Plain text, such as a name, is stored as a parameter, as parameters are not translated.
    return (
        part.data if isinstance(part, Message) else {"text": "%(text)s", "params": {"text": part}}
    )


def _storable(value: Any) -> Any:
    if isinstance(value, Message):
        return value.data
    return value if isinstance(value, _PLAIN) else str(value)


def _restored(value: Any) -> Any:
    return Message.from_data(value) if isinstance(value, dict) else value


def _with_params(data: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The data of a Message, its parts' and its parameters' texts changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return _with_params(value, change)
        return change(value) if isinstance(value, str) else value

    found = dict(data)
    if "parts" in data:
        found["parts"] = [_with_params(part, change) for part in data["parts"]]
    if data.get("params") is not None:
        found["params"] = {name: changed(value) for name, value in data["params"].items()}
    return found
