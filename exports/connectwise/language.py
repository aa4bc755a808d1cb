"""The language the core speaks: English, until whoever uses it brings another one.

A sentence is marked where it stands, as `_("…")`, so that translators find it, and is translated
when it is made. Tables that are made before that hold `gettext_noop("…")` and translate at use.
"""

from collections.abc import Callable


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


def gettext(message: str) -> str:
    """`message` in the language spoken, its placeholders (`%(host)s`) still in it."""
    return _translate(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form that belongs to `count`; languages have up to six of them."""
    return _translate_plural(one, many, count)


def gettext_noop(message: str) -> str:
    """`message` as it is, marked to be found by translators and translated at use."""
    return message


def grouped(number: int) -> str:
    """`12,345`, as the language spoken writes it."""
    return _group(number)
