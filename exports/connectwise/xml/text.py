"""Escapes texts and element names for XML 1.0 (X4, X5)."""

import re
from functools import lru_cache
from typing import Final
from xml.parsers import expat

REPLACEMENT: Final = "\ufffd"

# Characters that XML 1.0 forbids even when escaped (https://www.w3.org/TR/xml/#charsets). U+007F to
# U+009F are only discouraged there, so they are kept.
_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_find_forbidden: Final = re.compile(f"[{_FORBIDDEN}]").search
_special: Final = re.compile(f"[&<>\r{_FORBIDDEN}]")
find_special: Final = _special.search

# `>` must be escaped only in `]]>`, but like other writers we always do. A bare carriage return
# would be read back as a line feed.
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

# NameStartChar and NameChar of XML 1.0, fifth edition, without the colon, which would be read as
# a namespace prefix.
_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_is_start: Final = re.compile(f"[{_START}]").fullmatch
_is_follower: Final = re.compile(f"[{_START}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]").fullmatch
_is_plain_name: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*").fullmatch
_looks_escaped: Final = re.compile(r"[Xx](?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})_").match

EMPTY_NAME: Final = "_x_"
_LONGEST_KEPT_NAME: Final = 200


def escape_text(text: str) -> str:
    """Escape an element's text; forbidden characters become U+FFFD, all others are kept."""
    if find_special(text) is None:
        return text
    return _special.sub(lambda match: _ESCAPES.get(match[0], REPLACEMENT), text)


def loses_characters(text: str) -> bool:
    """Whether `escape_text` replaces any character."""
    return _find_forbidden(text) is not None


def element_name(name: str) -> str:
    """The element name for a JSON member's name, reversibly encoded.

    Each character that XML forbids in names becomes `_xHHHH_` (`_xHHHHHHHH_` above U+FFFF), and so
    does an underscore that would look like the start of such an escape. This is the encoding of
    .NET's `XmlConvert.EncodeLocalName`; `DecodeName` reverses it. An empty name becomes `_x_`.
    """
    if _is_plain_name(name):
        return name
    # Long names are not cached: the cache limits the number of names, not their length.
    return _encode_name(name) if len(name) > _LONGEST_KEPT_NAME else _kept_encode_name(name)


def _encode_name(name: str) -> str:
    if not name:
        return EMPTY_NAME
    if name == EMPTY_NAME:
        return f"_x005F_{name[1:]}"
    pieces: list[str] = []
    rest = ""
    # From the right, as whether an underscore is escaped depends on the text written after it.
    for position in range(len(name) - 1, -1, -1):
        character = name[position]
        if not _is_allowed(character, first=position == 0) or (
            character == "_" and _looks_escaped(rest)
        ):
            width = 4 if ord(character) <= 0xFFFF else 8
            character = f"_x{ord(character):0{width}X}_"
        pieces.append(character)
        rest = (character + rest)[:10]
    return "".join(reversed(pieces))


_kept_encode_name: Final = lru_cache(maxsize=1024)(_encode_name)


@lru_cache(maxsize=4096)
def _is_allowed(character: str, *, first: bool) -> bool:
    allowed = _is_start if first else _is_follower
    if not allowed(character):
        return False
    return character.isascii() or _is_allowed_in_fourth_edition(character, first)


def _is_allowed_in_fourth_edition(character: str, first: bool) -> bool:
    """Ask expat, which like .NET follows the fourth edition and allows fewer characters."""
    try:
        expat.ParserCreate().Parse(f"<{'' if first else '_'}{character}/>", True)
    except expat.ExpatError:
        return False
    return True
