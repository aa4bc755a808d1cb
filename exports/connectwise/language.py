"""The language the core speaks: English, until whoever uses it brings another one.

A sentence is marked where it stands, as `_("…")`, so that translators find it, and is translated
when it is made. Tables that are made before that hold `gettext_noop("…")` and translate at use.
Every sentence is a `Message`: it remembers what it was made from, so that it can be stored as data
and read again in another language.
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
    """Let the core speak by these functions from now on; without any, English again.

    They are asked anew for each sentence, so they may follow a language that changes.
    """
    global _translate, _translate_plural, _group
    _translate, _translate_plural, _group = translate, translate_plural, group


class Message(str):
    """A sentence in the language spoken when it was made; `data` makes it anew in any other.

    `data` is JSON: `{"text": source, "params": {…}}`, with a plural also `"many"` and `"count"`;
    `{"parts": […]}` for sentences in a row; `{"number": 1234}` for a grouped number. A parameter
    is a string, a number, null or such a structure again.
    """

    __slots__ = ("data",)
    data: dict[str, Any]

    def __new__(cls, text: str, data: dict[str, Any]) -> Message:
        message = super().__new__(cls, text)
        message.data = data
        return message

    def __mod__(self, params: Any) -> Message:
        """The sentence with its placeholders filled in by a mapping."""
        stored = {name: _storable(value) for name, value in dict(params).items()}
        return Message(super().__mod__(params), {**self.data, "params": stored})

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Message:
        """The sentence of this `data`, in the language spoken now. Raises KeyError, TypeError."""
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


def gettext(message: str) -> Message:
    """`message` in the language spoken, its placeholders (`%(host)s`) still in it."""
    return Message(_translate(message) if message else "", {"text": message})


def ngettext(one: str, many: str, count: int) -> Message:
    """The form that belongs to `count`; languages have up to six of them."""
    data = {"text": one, "many": many, "count": count}
    return Message(_translate_plural(one, many, count), data)


def gettext_noop(message: str) -> str:
    """`message` as it is, marked to be found by translators and translated at use."""
    return message


def grouped(number: int) -> Message:
    """`12,345`, as the language spoken writes it."""
    return Message(_group(number), {"number": number})


def joined(sentences: Iterable[str]) -> Message:
    """Sentences in a row, as one."""
    parts = list(sentences)
    return Message(" ".join(parts), {"parts": [_as_data(part) for part in parts]})


def message_of(error: Exception) -> str:
    """What an error tells people: a Message where it was made as one."""
    message = getattr(error, "message", None)
    if not isinstance(message, Message) and error.args:
        message = error.args[0]
    return message if isinstance(message, Message) else str(error)


_PLAIN: Final = (str, int, float, type(None))


def _as_data(part: str) -> dict[str, Any]:
    # A plain text, such as a name, has no translation: as a parameter it is never looked up.
    return (
        part.data if isinstance(part, Message) else {"text": "%(text)s", "params": {"text": part}}
    )


def _storable(value: Any) -> Any:
    if isinstance(value, Message):
        return value.data
    return value if isinstance(value, _PLAIN) else str(value)


def _restored(value: Any) -> Any:
    return Message.from_data(value) if isinstance(value, dict) else value
