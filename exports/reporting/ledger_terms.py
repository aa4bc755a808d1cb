"""What people type to find batches in the ledger: API ids, ranges of them, and identifiers."""

import re
from dataclasses import dataclass
from typing import Final

from exports.models.ledger import MAX_IDENTIFIER
from exports.outside_numbers import read_id

MAX_IDS: Final = 1_000
MAX_TERMS: Final = 100
# A range, with a hyphen or an en dash; a minus sign before a number is not one.
_SPACED_DASH: Final = re.compile(r"(?<=\d)(?:\s+[-–]\s+|–)(?=#?\d)")


class TooManyError(ValueError):
    """More than one search looks for; `count` batches or terms."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(count, most)
        self.count, self.most = count, most


@dataclass(frozen=True)
class Term:
    """One thing that is looked for: the ids in `span`, or batches with this identifier, or both.

    A number is both, as identifiers are often numbers. `parts` are what the words of it are if no
    batch has the whole as its identifier.
    """

    text: str
    span: range | None = None
    identifier: str = ""
    parts: tuple["Term", ...] = ()

    @property
    def id_count(self) -> int:
        return len(self.span) if self.span else sum(part.id_count for part in self.parts)


def read_terms(typed: str) -> list[Term]:
    """`284-300, BATCH-12; "Late batch"`, without repeats, in the order typed. Raises TooManyError.

    Nothing is refused as nonsense: an identifier may be any text.
    """
    pieces = [piece.strip() for piece in re.split(r"[,;\r\n]", typed)]
    terms = list(dict.fromkeys(term for piece in pieces if piece for term in _terms_of(piece)))
    if len(terms) > MAX_TERMS:
        raise TooManyError(len(terms), MAX_TERMS)
    id_count = sum(term.id_count for term in terms)
    if id_count > MAX_IDS:
        raise TooManyError(id_count, MAX_IDS)
    return terms


def _terms_of(piece: str) -> list[Term]:
    if len(piece) > 2 and piece[0] == piece[-1] and piece[0] in "\"'":
        return [Term(piece[1:-1], identifier=piece[1:-1])]
    words = _SPACED_DASH.sub("-", piece).split()
    parts = tuple(map(_term_of_word, words))
    if len(parts) == 1 or all(part.span for part in parts):
        return list(parts)
    # "BATCH-12 BATCH-13" may be two, "Late batch" may not.
    are_several = all(re.search(r"\d", word) for word in words)
    return [Term(piece, identifier=piece, parts=parts if are_several else ())]


def _term_of_word(word: str) -> Term:
    first, dash, last = word.partition("-")
    begin, end = read_id(first.removeprefix("#")), read_id((last or first).removeprefix("#"))
    is_span = begin is not None and end is not None and begin <= end and (bool(last) or not dash)
    if not is_span or begin is None or end is None:
        return Term(word[: MAX_IDENTIFIER + 1], identifier=word)
    # "#284" asks for the id alone.
    is_id_alone = "#" in word
    return Term(word, span=range(begin, end + 1), identifier="" if is_id_alone else word)
