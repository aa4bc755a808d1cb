"""Parser of the API's `conditions` language: tokens, then recursive descent.

Written from the API's documentation alone and sharing no code with the product, so that it can find
the product's mistakes.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from exports.demo.comparisons import (
    EVERYTHING,
    Condition,
    Literal,
    MeaningError,
    both,
    compare,
    either,
)
from exports.demo.rows import field_name, parse_datetime

_TOKEN = re.compile(
    r"""
    (?P<text>"[^"]*"|'[^']*')
    |(?P<date>\[[^\[\]]*\])
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[a-z_]\w*(?:/\w+)*)
    |(?P<sign><=|>=|!=|=|<|>|\(|\)|,)
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_DATE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE
)
_RESERVED = {"and", "or", "not", "in", "like", "contains", "null", "true", "false"}
_SIGNS = {"=", "!=", "<", "<=", ">", ">="}
_MAX_DIGITS = 300
_DEEPEST = 50


class ConditionsError(ValueError):
    """The conditions cannot be parsed; str() says what was expected and where (from 1)."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


def parse_conditions(text: str, *, lenient_precedence: bool = False) -> Condition:
    """The condition a row must meet; empty text is met by all. Raises ConditionsError.

    The documentation does not say whether `and` binds before `or`. So a mix of both without
    brackets is refused, unless `lenient_precedence`, which lets `and` bind first.
    """
    if not text.strip():
        return EVERYTHING
    return _Parser(_tokens(text), lenient_precedence).parse()


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(text, position)
        if not match:
            raise ConditionsError(f"unexpected {text[position]!r} at position {position + 1}")
        tokens.append(_Token(str(match.lastgroup), match.group(), position + 1))
        position = match.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Parser:
    def __init__(self, tokens: list[_Token], lenient: bool) -> None:
        self._tokens = tokens
        self._lenient = lenient
        self._index = 0
        self._depth = 0

    def parse(self) -> Condition:
        condition = self._alternatives()
        if self._next.kind != "end":
            self._refuse("'and', 'or' or the end")
        return condition

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _take(self) -> _Token:
        self._index += 1
        return self._tokens[self._index - 1]

    def _take_if(self, *texts: str) -> str:
        """The lower-case text of the next token if it is one of these, else nothing."""
        token = self._next
        if token.kind in ("word", "sign") and token.text.lower() in texts:
            return self._take().text.lower()
        return ""

    def _refuse(self, expected: str) -> NoReturn:
        token = self._next
        raise ConditionsError(f"expected {expected}, not {token}, at position {token.position}")

    def _alternatives(self) -> Condition:
        """term {(and|or) term}: groups of and-ed terms, joined by or."""
        groups, joiners = [[self._term()]], set()
        while True:
            position = self._next.position
            joiner = self._take_if("and", "or")
            if not joiner:
                break
            joiners.add(joiner)
            if len(joiners) == 2 and not self._lenient:
                raise ConditionsError(
                    f"'and' and 'or' are mixed without brackets at position {position}"
                )
            if joiner == "or":
                groups.append([])
            groups[-1].append(self._term())
        parts = [both(group) if len(group) > 1 else group[0] for group in groups]
        return either(parts) if len(parts) > 1 else parts[0]

    def _term(self) -> Condition:
        if not self._take_if("("):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"at most {_DEEPEST} brackets inside each other")
        condition = self._alternatives()
        if not self._take_if(")"):
            self._refuse("')'")
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        start = self._next
        if start.kind != "word" or start.text.lower() in _RESERVED:
            self._refuse("a field name or '('")
        field = field_name(self._take().text)
        comparison = self._operator()
        wanted = self._list() if comparison.endswith("in") else self._literal()
        try:
            return compare(field, comparison, wanted)
        except MeaningError as error:
            raise ConditionsError(f"{error}, at position {start.position}") from error

    def _operator(self) -> str:
        if self._take_if("not"):
            word = self._take_if("in", "like", "contains")
            return f"not {word}" if word else self._refuse("'in', 'like' or 'contains'")
        return self._take_if(*_SIGNS, "in", "like", "contains") or self._refuse("a comparison")

    def _list(self) -> list[Literal]:
        if not self._take_if("("):
            self._refuse("a list in brackets")
        literals = [self._literal()]
        while self._take_if(","):
            literals.append(self._literal())
        if not self._take_if(")"):
            self._refuse("',' or ')'")
        return literals

    def _literal(self) -> Literal:
        token = self._next
        literal = _read_literal(token)
        if literal is None:
            self._refuse("a value (text in quotes, a number, True, False, null or [a date])")
        self._index += 1
        return literal


def _read_literal(token: _Token) -> Literal | None:
    word = token.text.lower()
    if token.kind == "text":
        return Literal("text", token.text[1:-1].casefold())
    if token.kind == "number" and len(word) <= _MAX_DIGITS:
        return Literal("number", Decimal(word) if "." in word else int(word))
    if token.kind == "date" and _DATE.fullmatch(word[1:-1]):
        moment = parse_datetime(token.text[1:-1])
        return Literal("date", moment) if moment else None
    if token.kind == "word" and word in ("true", "false"):
        return Literal("flag", word == "true")
    if token.kind == "word" and word == "null":
        return Literal("null", None)
    return None
