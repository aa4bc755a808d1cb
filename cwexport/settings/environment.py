"""Reads the environment, and refuses a bad value with what a correct one looks like."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_QUOTES = ("'", '"')
# No setting takes a longer number, and int() refuses thousands of digits.
_MAX_DIGITS = 12

# Every variable that is read, as given: the audit log tells what differs from the last start.
CWEXPORT_GIVEN_SETTINGS: dict[str, str] = {}


def read_text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks and line ends."""
    text = os.environ.get(name, "").strip()
    if text[:1] in _QUOTES and text[:1] == text[-1:]:
        # A shell removes quotes; env files of Docker or systemd may keep them.
        raise ImproperlyConfigured(
            f"{name} stands in quotation marks: write its value without them."
        )
    CWEXPORT_GIVEN_SETTINGS[name] = text
    return text or default


def read_path(name: str) -> Path | None:
    """An absolute path: a relative one would change with the working directory."""
    text = read_text(name)
    if not text:
        return None
    path = Path(text)
    with suppress(RuntimeError):
        path = path.expanduser()
    if text[-1] in _QUOTES or text[0] in _QUOTES or not text.isprintable():
        raise ImproperlyConfigured(
            f"{name} is {text!r}: write the path as it is, without quotation marks or line breaks."
        )
    if not path.is_absolute():
        raise ImproperlyConfigured(
            f"{name} is {text!r}, which another working directory would change: write the whole "
            f"path, e.g. {Path(text).absolute() if text[0] != '~' else '/var/lib/cwexport'}."
        )
    return path


def read_choice(name: str, default: str, choices: set[str], words: str) -> str:
    """One of the lower-case `choices`; `words` names them to people."""
    text = read_text(name, default).lower()
    if text not in choices:
        raise ImproperlyConfigured(f"{name} is {text!r}: write {words}.")
    return text


def read_flag(name: str, default: str = "false") -> bool:
    text: str = read_text(name, default).lower()
    if text not in {"true", "false", "on", "off"}:
        raise ImproperlyConfigured(f"{name} is {text!r}: write true or false.")
    return text in {"true", "on"}


def read_number(name: str, default: int, lowest: int, highest: int) -> int:
    text: str = read_text(name, str(default))
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not is_number or not lowest <= int(text) <= highest:
        raise ImproperlyConfigured(
            f"{name} is {text[:40]!r}: write a whole number from {lowest} to {highest}."
        )
    return int(text)


def read_words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in read_text(name, default).split(",") if word.strip()]


def checked(name: str, example: str, check: Any, values: list[str]) -> list[Any]:
    try:
        return [check(value) for value in values]
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"{name} has a value that cannot be used. {example}") from error
