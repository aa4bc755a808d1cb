"""Cleans text from ConnectWise so that it can be stored and shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from exports.connectwise.json_numbers import JSONShapeError, decode_json
from exports.connectwise.language import gettext as _

MESSAGE_LENGTH: Final = 300

# Takes remote text and a maximum length; returns it cleaned and without secrets.
Clean = Callable[[str, int], str]


def clean_text(text: str, limit: int = MESSAGE_LENGTH) -> str:
    """One line without control, direction or surrogate characters, at most `limit` characters."""
    visible = "".join(
        " " if unicodedata.category(character).startswith(("C", "Z")) else character
        for character in text[: 4 * limit]
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def message_in(body: bytes) -> str:
    """The message in an error's body: from its JSON, an HTML title or plain text."""
    if not body.strip():
        return ""
    try:
        decoded = decode_json(body)
    except JSONShapeError:
        return _message_in_text(body.decode("utf-8", "replace"))
    if not isinstance(decoded, dict):
        return decoded if isinstance(decoded, str) else ""
    details = decoded.get("errors")
    members = [decoded, *(details if isinstance(details, list) else [])]
    messages = [member.get("message") for member in members if isinstance(member, dict)]
    return " ".join(message for message in messages if isinstance(message, str))


def is_web_page(body: bytes) -> bool:
    return body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _message_in_text(text: str) -> str:
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith(("[", "{")):
        return ""  # incomplete JSON: data, not a message
    if not text.startswith("<"):
        return text
    title = re.search(r"<title[^>]*>(.+?)(?:</title|$)", text[:10_000], re.IGNORECASE | re.S)
    if title is None:
        return _("a web page")
    return _("a web page titled %(title)s") % {"title": " ".join(title[1].split())}
