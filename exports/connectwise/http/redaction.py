"""Removes secrets from remote text, as a server may echo what it was sent (C3).

The text is decoded in many ways, and every part that contains a long enough run of the secret's
characters is removed.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from exports.connectwise.http.encodings import Glyph, Glyphs, fold, fold_text, readings, unescaped
from exports.connectwise.language import gettext as _

# Messages are far shorter; every character costs a dozen decodings.
LONGEST_TEXT: Final = 8_000
_PLAIN_RUN: Final = 8
_HEX_RUN: Final = 2 * _PLAIN_RUN
_BASE64_RUN: Final = 10
# Shorter pieces of a key would match too many ordinary words.
_SHORTEST_RUN: Final = 4


class Redactor:
    """Replaces each long run of a secret in a text, in any encoding, by `[removed]`."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)
        self._searches = [search for secret in self._secrets for search in _searches(secret)]

    def redact(self, text: str) -> str:
        """The first LONGEST_TEXT characters of `text` without the secrets."""
        text = text[:LONGEST_TEXT]
        hidden = bytearray(len(text))
        for glyphs in readings(text):
            folded = fold(glyphs)
            for search in self._searches:
                for start, end in search.spans(folded):
                    hidden[start:end] = b"\1" * (end - start)
        text = _without(text, hidden)
        for secret in self._secrets:  # short secrets, for which no runs are searched
            text = text.replace(secret, _("[removed]"))
        return text


@dataclass(frozen=True)
class _Search:
    """Searches for runs of `length` characters, ignoring characters that fail `keep`."""

    runs: frozenset[str]
    length: int
    keep: Callable[[str], bool]

    def spans(self, folded: Glyphs) -> Iterator[tuple[int, int]]:
        kept: list[Glyph] = [glyph for glyph in folded if self.keep(glyph.character)]
        text = _read(kept)
        for at in range(len(text) - self.length + 1):
            if text[at : at + self.length] in self.runs:
                run = kept[at : at + self.length]
                yield min(glyph.start for glyph in run), max(glyph.end for glyph in run)


def _searches(secret: str) -> Iterator[_Search]:
    # A server may drop characters with accents.
    without_accents = "".join(character for character in secret if character.isascii())
    forms = [
        *((form, _PLAIN_RUN, _is_any) for form in _plain_forms(secret)),
        *((form, _BASE64_RUN, _is_base64) for form in _base64_forms(secret)),
        *((form, _HEX_RUN, _is_hex) for form in _hex_forms(secret)),
    ]
    if without_accents != secret and len(without_accents) >= _PLAIN_RUN:
        forms += [(form, _PLAIN_RUN, str.isascii) for form in _plain_forms(without_accents)]
    for form, wanted, keep in forms:
        length = min(wanted, len(form))
        if length >= _SHORTEST_RUN:
            runs = frozenset(form[at : at + length] for at in range(len(form) - length + 1))
            yield _Search(runs, length, keep)


def _plain_forms(secret: str) -> set[str]:
    return {_read(fold(reading)) for reading in unescaped(secret)}


def _hex_forms(secret: str) -> set[str]:
    return {raw.hex() for raw in _bytes_of(secret)}


def _base64_forms(secret: str) -> set[str]:
    """The base64 forms of the secret for each position in a group of three bytes."""
    forms = set()
    for raw in _bytes_of(secret):
        for before in range(3):
            encoded = b64encode(b"\0" * before + raw).decode()
            # Without the first and last characters, which also depend on neighbouring bytes.
            own = encoded[(0, 2, 3)[before] : len(encoded.rstrip("=")) - 1]
            forms |= {own, own.replace("+", "-").replace("/", "_")}
    return {fold_text(form).replace(" ", "") for form in forms}


def _bytes_of(secret: str) -> tuple[bytes, bytes]:
    return secret.encode("utf-8", "replace"), secret.encode("utf-16-le", "replace")


def _read(glyphs: Glyphs) -> str:
    return "".join(glyph.character for glyph in glyphs)


def _is_any(_character: str) -> bool:
    return True


def _is_base64(character: str) -> bool:
    return character.isascii() and character != " "


def _is_hex(character: str) -> bool:
    return character in "0123456789abcdef"


def _without(text: str, hidden: bytearray) -> str:
    parts: list[str] = []
    for at, character in enumerate(text):
        if not hidden[at]:
            parts.append(character)
        elif not (at and hidden[at - 1]):
            parts.append(_("[removed]"))
    return "".join(parts)
