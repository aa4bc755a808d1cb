"""Decodes text in every encoding a server may have used, and keeps each character's position.

Only for searching: everything that looks like an escape is decoded, whether or not it is one.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple


class Glyph(NamedTuple):
    """One decoded character and its position in the original text."""

    character: str
    start: int
    end: int


Glyphs = list[Glyph]
_ROUNDS: Final = 4

_ESCAPE: Final = re.compile(
    r"""
      %u(?P<percent_u>[0-9a-f]{4})
    | %(?P<percent>[0-9a-f]{2})
    | \\+u\{(?P<braced>[0-9a-f]{1,6})\}
    | \\+u(?P<unicode>[0-9a-f]{4})
    | \\+U(?P<long>[0-9a-f]{8})
    | \\+x(?P<hex>[0-9a-f]{2})
    | 0x(?P<zero_x>[0-9a-f]{2})[,;\s]*
    | \\+(?P<octal>[0-3][0-7]{2})
    | (?P<entity>&(?:\#x?[0-9a-f]{1,8}|[a-z][a-z0-9]{1,30});?)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED_PRINTABLE: Final = re.compile(r"=([0-9a-f]{2})", re.IGNORECASE)
_BYTE_NUMBER: Final = re.compile(r"\b(\d{2,3})\b[,;\s]*")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){8,}", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
# UTF-8 bytes that were decoded one by one as characters.
_UTF8_BYTES: Final = re.compile("[\xc2-\xf4][\x80-\xbf]{1,3}")


def readings(text: str) -> Iterator[Glyphs]:
    """`text` unchanged and decoded in each way, singly and nested."""
    plain = _glyphs(text)
    for level in _decoded(plain, _unescape):
        yield level
        once = _read_base64(level)
        yield once
        yield _read_base64(once)
    yield from _decoded(plain, lambda glyphs: _unescape(_read_quoted_printable(glyphs)))
    yield from _decoded(_replace(plain, _HEX, _from_hex), _read_base64)
    yield _join_bytes(_replace(plain, _BYTE_NUMBER, lambda found: _character(int(found[1]))))


def unescaped(text: str) -> Iterator[Glyphs]:
    """`text` unchanged and with its escapes decoded."""
    return _decoded(_glyphs(text), _unescape)


def _glyphs(text: str) -> Glyphs:
    return [Glyph(character, at, at + 1) for at, character in enumerate(text)]


def _decoded(glyphs: Glyphs, decode: Callable[[Glyphs], Glyphs]) -> Iterator[Glyphs]:
    """The text, then the text decoded repeatedly until nothing changes."""
    for _ in range(_ROUNDS + 1):
        yield glyphs
        deeper = decode(glyphs)
        if deeper == glyphs:
            return
        glyphs = deeper


def _unescape(glyphs: Glyphs) -> Glyphs:
    return _join_bytes(_replace(glyphs, _ESCAPE, _from_escape))


def _read_quoted_printable(glyphs: Glyphs) -> Glyphs:
    return _replace(glyphs, _QUOTED_PRINTABLE, lambda found: _character(int(found[1], 16)))


def _read_base64(glyphs: Glyphs) -> Glyphs:
    return _replace(glyphs, _BASE64, _from_base64)


def _join_bytes(glyphs: Glyphs) -> Glyphs:
    return _replace(glyphs, _UTF8_BYTES, _from_bytes)


def _replace(
    glyphs: Glyphs, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str]
) -> Glyphs:
    """Replace each match by its decoded text, which keeps the position of the match."""
    text = "".join(glyph.character for glyph in glyphs)
    replaced: Glyphs = []
    done = 0
    for found in pattern.finditer(text):
        start, end = glyphs[found.start()].start, glyphs[found.end() - 1].end
        replaced += glyphs[done : found.start()]
        replaced += [Glyph(character, start, end) for character in read(found)]
        done = found.end()
    return replaced + glyphs[done:]


def _from_escape(found: re.Match[str]) -> str:
    if found["entity"]:
        return html.unescape(found["entity"])
    kind = found.lastgroup or ""
    return _character(int(found[kind], 8 if kind == "octal" else 16)) or found[0]


def _from_bytes(found: re.Match[str]) -> str:
    try:
        return found[0].encode("latin-1").decode("utf-8")
    except UnicodeError:
        return found[0]


def _from_hex(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0]).decode("latin-1")


def _from_base64(found: re.Match[str]) -> str:
    """Decode from the start; ignore a last, incomplete group of four."""
    whole = found[0][: len(found[0]) // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(whole)
    except binascii.Error:
        return found[0]
    return raw.decode("latin-1")


def _character(number: int) -> str:
    return chr(number) if number <= 0x10FFFF else ""


def fold(glyphs: Glyphs) -> Glyphs:
    """Normalize for comparison: no case, accents, backslashes or lost characters."""
    return [
        Glyph(part, glyph.start, glyph.end)
        for glyph in glyphs
        for part in fold_text(glyph.character)
    ]


def fold_text(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text.lower()
    compatible = unicodedata.normalize("NFKD", text.casefold())
    return "".join(map(_folded, compatible))


def _folded(character: str) -> str:
    # ? and U+FFFD replace characters that an encoding cannot represent.
    if character in "\\?\ufffd" or unicodedata.category(character)[0] in "CM":
        return ""
    # + means a blank in a query string.
    return " " if character == "+" or unicodedata.category(character)[0] == "Z" else character
