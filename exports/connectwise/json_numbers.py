"""Decodes JSON from ConnectWise and keeps the text of every number as sent (X4).

Also checks that a body is JSON at all and that a record has an integer id (H5).
"""

import json
from collections.abc import Mapping
from typing import Final, NoReturn

from exports.connectwise.language import gettext as _
from exports.connectwise.language import joined

MAX_DEPTH: Final = 100

# The ids have to fit the database's 64-bit columns and xs:long.
_LARGEST_ID: Final = 2**63 - 1
_LONGEST_ID: Final = len(str(-_LARGEST_ID))


class JSONShapeError(ValueError):
    """The body is not JSON or not of the expected shape; `str()` is a message for people."""

    code = "connectwise.wrong_shape"


class NumberText(str):
    """A JSON number as it was written: `1000.000000`, `-0`, `1E5`, 5,000 digits."""

    __slots__ = ()


def decode_json(raw: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """Decode one body in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Integers and decimals become `NumberText`; lone surrogates written as `\\uD800` stay in the
    text (the document replaces them, X5). Raises JSONShapeError for anything that is not JSON, for
    NaN and Infinity, and for nesting deeper than `max_depth` levels.
    """
    encoding = json.detect_encoding(raw)
    try:
        decoded = _DECODER.decode(raw.decode(encoding))
    except UnicodeDecodeError as error:
        raise JSONShapeError(
            _(
                "The answer is not JSON: byte %(position)s does not fit its encoding, "
                "%(encoding)s. Try again; if it stays so, look for a proxy that changes answers."
            )
            % {"position": error.start, "encoding": encoding}
        ) from error
    except json.JSONDecodeError as error:
        raise JSONShapeError(
            _(
                "The answer is not JSON: %(reason)s (line %(line)s, column %(column)s). "
                "Try again; if it stays so, check that the site is a ConnectWise server."
            )
            % {"reason": error.msg, "line": error.lineno, "column": error.colno}
        ) from error
    except RecursionError as error:
        raise _too_deep(max_depth) from error
    _check_depth(decoded, max_depth)
    return decoded


def record_id(record: object) -> int:
    """The id of one record; JSONShapeError unless it is an object with an integer id (H5).

    `true`, `"12"` and `12.0` are not integers, and an id must fit 64 bits.
    """
    # Test for dict first: it is the usual case and the test is faster.
    if type(record) is not dict and not isinstance(record, Mapping):
        raise JSONShapeError(
            _(
                "ConnectWise sent %(found)s where a record with an id belongs. "
                "Check that the site is a ConnectWise server, then run again."
            )
            % {"found": describe(record)}
        )
    sent = record.get("id")
    if isinstance(sent, NumberText) and len(sent) <= _LONGEST_ID:
        try:
            number = int(sent)
        except ValueError:
            raise _no_integer_id(sent) from None
    elif isinstance(sent, int) and not isinstance(sent, bool):
        number = sent
    else:
        raise _no_integer_id(sent)
    if not -_LARGEST_ID <= number <= _LARGEST_ID:
        raise _no_integer_id(sent)
    return number


def describe(value: object) -> str:
    """A decoded value as error messages name it: its type, and its text if short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return _("an object")
    if isinstance(value, list):
        return _("a list")
    text = str(value)
    if len(text) > 40:
        text = f"{text[:40]}…"
    is_text = isinstance(value, str) and not isinstance(value, NumberText)
    if is_text:
        return _("the text %(text)s") % {"text": repr(text)}
    return _("the number %(number)s") % {"number": text}


def _no_integer_id(sent: object) -> JSONShapeError:
    if sent is None:
        found = _("ConnectWise sent a record with no id, where a whole number such as 284 belongs.")
    else:
        found = _(
            "ConnectWise sent a record with %(found)s as its id, where a whole number such as 284 "
            "belongs."
        ) % {"found": describe(sent)}
    advice = _("Nothing can be exported safely without it; ask ConnectWise about this record.")
    return JSONShapeError(joined([found, advice]))


def _check_depth(decoded: object, max_depth: int) -> None:
    """Check nesting without recursion, as the depth is not limited yet."""
    depth = 0
    level = [decoded] if isinstance(decoded, dict | list) else []
    while level:
        depth += 1
        if depth > max_depth:
            raise _too_deep(max_depth)
        level = [
            member
            for container in level
            for member in (container.values() if type(container) is dict else container)
            if type(member) is dict or type(member) is list
        ]


def _too_deep(max_depth: int) -> JSONShapeError:
    return JSONShapeError(
        _(
            "The answer nests lists and objects in more than %(count)s levels, which no "
            "ConnectWise record does. Check that the site is a ConnectWise server."
        )
        % {"count": max_depth}
    )


def _refuse_constant(name: str) -> NoReturn:
    raise JSONShapeError(
        _(
            "The answer holds %(name)s, which JSON does not know as a number. "
            "Ask ConnectWise about this record, or leave it out with a condition."
        )
        % {"name": name}
    )


# With any callable other than int and float the C scanner passes the number's text, which also
# avoids Python's limit of 4,300 digits for int.
_DECODER: Final = json.JSONDecoder(
    parse_int=NumberText, parse_float=NumberText, parse_constant=_refuse_constant
)
