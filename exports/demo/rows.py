"""One stored record: its JSON as sent, and its values as conditions compare them."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

Value = str | bool | int | Decimal | datetime | None
Record = dict[str, Any]

DATE_FIELDS = frozenset({"_info/lastupdated", "_info/dateentered"})
_JSON = json.JSONDecoder(parse_float=Decimal)
_ALIASES = {
    name: f"_info/{name}" for name in ("lastupdated", "updatedby", "dateentered", "enteredby")
}


class Row:
    """A record with an id. `body` is its JSON in UTF-8, rendered once and sent unchanged."""

    __slots__ = ("_values", "body", "id")

    def __init__(self, id: int, body: bytes) -> None:
        self.id = id
        self.body = body
        self._values: dict[str, Value] | None = None

    @classmethod
    def of(cls, record: Record) -> "Row":
        """The row of a record; fields that are None are omitted, as ConnectWise does."""
        return cls(record["id"], to_json(_without_nulls(record)))

    @property
    def record(self) -> Record:
        """The record as a fresh dict, money and other decimals as Decimal."""
        record: Record = _JSON.decode(self.body.decode())
        return record

    def value(self, name: str) -> Value:
        """The value of a field named as by `field_name`: text case-folded, dates in UTC, else null.

        Parsed on first use only, as most rows are sent without being compared.
        """
        if self._values is None:
            self._values = self._parsed_values()
        return self._values.get(name)

    def _parsed_values(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        # A test may store JSON that Python cannot parse (5,000 digits): only its id is known.
        with suppress(ValueError, RecursionError):
            record: object = self.record
            for key, value in record.items() if isinstance(record, dict) else ():
                _flatten(key, value, values)
        values["id"] = self.id
        return values


def field_name(name: str) -> str:
    """The normal form of a field name: lower case, `lastUpdated` for `_info/lastUpdated`."""
    lowered = name.lower()
    return _ALIASES.get(lowered, lowered)


def to_json(value: object) -> bytes:
    """JSON in UTF-8 without blanks; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def parse_datetime(text: str) -> datetime | None:
    """ISO 8601 (no offset means UTC) or the American form old servers send; else None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007
        except ValueError:
            return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _without_nulls(record: Record) -> Record:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in record.items()
        if value is not None
    }


def _flatten(key: str, value: object, values: dict[str, Value]) -> None:
    if isinstance(value, dict):
        for inner, inner_value in value.items():
            _flatten(f"{key}/{inner}", inner_value, values)
        return
    name = _lowered(key)
    if isinstance(value, str):
        values[name] = parse_datetime(value) if name in DATE_FIELDS else value.casefold()
    elif isinstance(value, bool | int | Decimal):
        values[name] = value


@lru_cache(maxsize=1000)
def _lowered(key: str) -> str:
    return key.lower()
