"""Values written by the help are correct, or left for the grammar to refuse."""

import pytest

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter import literals, value_help
from exports.connectwise.filter.literals import LiteralError, LiteralType


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("John", '"John"'),
        ('"John"', '"John"'),
        ("'John'", "'John'"),
        ('"John', '"John"'),
        ("John'", '"John"'),
        ("“John”", '"John"'),
        ("O'Neil", '"O\'Neil"'),
        ('"say "x" now"', "'say \"x\" now'"),
        ('say "x"', "'say \"x\"'"),
        ('"', '""'),
        ("20191015172525", '"20191015172525"'),
        ("true", '"true"'),
        ("null", '"null"'),
        ("[2020-01-01]", '"[2020-01-01]"'),
        ("  John ", '"John"'),
        ("", ""),
        ("   ", ""),
    ],
)
def test_text_gets_the_quotes_it_lacks(typed: str, written: str) -> None:
    assert value_help.quoted(typed) == written


@pytest.mark.parametrize("typed", ['say "x" to O\'Neil now', "C:\\temp", "two\nlines", "a\u2028b"])
def test_text_that_no_quote_can_hold_is_refused(typed: str) -> None:
    with pytest.raises(LiteralError):
        value_help.quoted(typed)


@pytest.mark.parametrize(
    ("typed", "kind", "written"),
    [
        ("John, Ben", FieldType.TEXT, '("John", "Ben")'),
        ('("John", Ben', FieldType.TEXT, '("John", "Ben")'),
        ('"a, b", c', FieldType.TEXT, '("a, b", "c")'),
        ("2019, 2020", FieldType.TEXT, '("2019", "2020")'),
        ("1,2 , 3", FieldType.INTEGER, "(1, 2, 3)"),
        ("(1,)", FieldType.INTEGER, "(1)"),
        ("true, False", FieldType.FLAG, "(true, False)"),
        ("2026-01-31, [2026-02-01]", FieldType.DATETIME, "([2026-01-31], [2026-02-01])"),
        ("1, John", None, '(1, "John")'),
        ("", FieldType.TEXT, ""),
        ("()", FieldType.TEXT, ""),
        (" , ", None, ""),
    ],
)
def test_list_gains_brackets_and_quotes(typed: str, kind: FieldType | None, written: str) -> None:
    assert value_help.as_list(typed, kind) == written


def test_non_date_in_date_list_stays_as_typed() -> None:
    assert value_help.as_list("soon", FieldType.DATETIME) == "(soon)"


@pytest.mark.parametrize(
    ("before", "after"),
    [("", '("b")'), ("a", '("a", "b")'), ('("a")', '("a", "b")'), ('("a", ', '("a", "b")')],
)
def test_a_list_takes_one_more_member(before: str, after: str) -> None:
    assert value_help.with_member(before, "b", FieldType.TEXT) == after


@pytest.mark.parametrize(
    ("day", "time", "written"),
    [
        ("2026-01-31", "", "[2026-01-31]"),
        ("2026-01-31", "08:00", "[2026-01-31T08:00:00Z]"),
        ("2026-01-31", "08:00:09", "[2026-01-31T08:00:09Z]"),
    ],
)
def test_picked_day_becomes_a_date_literal(day: str, time: str, written: str) -> None:
    assert value_help.picked_date(day, time) == written
    assert literals.parse(written, FieldType.DATETIME).type is LiteralType.DATETIME


@pytest.mark.parametrize(
    ("day", "time"), [("2026-02-30", ""), ("tomorrow", ""), ("2026-01-31", "8")]
)
def test_what_is_no_day_is_refused(day: str, time: str) -> None:
    with pytest.raises(LiteralError):
        value_help.picked_date(day, time)
