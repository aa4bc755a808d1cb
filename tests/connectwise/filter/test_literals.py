from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter.literals import (
    Literal,
    LiteralError,
    LiteralType,
    datetime_literal,
    parse,
    parse_list,
    quote,
    shown,
)

thorough = settings(max_examples=300, deadline=None)


@pytest.mark.parametrize(
    ("typed", "literal_type", "sent"),
    [
        ('"John"', LiteralType.TEXT, '"John"'),
        ("'John'", LiteralType.TEXT, "'John'"),
        ('""', LiteralType.TEXT, '""'),
        ('  "two blanks  "  ', LiteralType.TEXT, '"two blanks  "'),
        ('"O\'Neil"', LiteralType.TEXT, '"O\'Neil"'),
        ("'say \"x\"'", LiteralType.TEXT, "'say \"x\"'"),
        ('"A & B, [50%] a*b (Zoë) #+?=%00"', LiteralType.TEXT, '"A & B, [50%] a*b (Zoë) #+?=%00"'),
        ('"null"', LiteralType.TEXT, '"null"'),
        ("True", LiteralType.FLAG, "True"),
        ("tRUE", LiteralType.FLAG, "True"),
        ("false", LiteralType.FLAG, "False"),
        ("NULL", LiteralType.NULL, "null"),
        ("284", LiteralType.INTEGER, "284"),
        ("-284", LiteralType.INTEGER, "-284"),
        ("007", LiteralType.INTEGER, "7"),
        ("000", LiteralType.INTEGER, "0"),
        ("-0", LiteralType.INTEGER, "0"),
        ("-0.00", LiteralType.DECIMAL, "0.00"),
        ("12.50", LiteralType.DECIMAL, "12.50"),
        ("[2000-01-31T14:51:00Z]", LiteralType.DATETIME, "[2000-01-31T14:51:00Z]"),
        ("[ 2000-01-31 14:51z ]", LiteralType.DATETIME, "[2000-01-31T14:51:00Z]"),
        ("[2000-01-31T14:51:00]", LiteralType.DATETIME, "[2000-01-31T14:51:00Z]"),
        ("[2000-01-31T14:51:59.9999999Z]", LiteralType.DATETIME, "[2000-01-31T14:51:59Z]"),
        ("[2000-01-31]", LiteralType.DATETIME, "[2000-01-31T00:00:00Z]"),
        ("[2000-01-31T23:30:00-01:30]", LiteralType.DATETIME, "[2000-02-01T01:00:00Z]"),
        ("[2000-01-31T01:00:00+0200]", LiteralType.DATETIME, "[2000-01-30T23:00:00Z]"),
        ("[2000-01-31T01:00+02]", LiteralType.DATETIME, "[2000-01-30T23:00:00Z]"),
        ("[1753-01-01T00:00:00Z]", LiteralType.DATETIME, "[1753-01-01T00:00:00Z]"),
        ("[9999-12-31T23:59:59Z]", LiteralType.DATETIME, "[9999-12-31T23:59:59Z]"),
        ('("John", "Ben")', LiteralType.LIST, '("John", "Ben")'),
    ],
)
@pytest.mark.rule("F2")
def test_typed_value_becomes_connectwise_literal(
    typed: str, literal_type: LiteralType, sent: str
) -> None:
    assert parse(typed, None) == Literal(literal_type, sent)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("John", "is text without quotes"),
        ("1e5", "is text without quotes"),
        ("+5", "is text without quotes"),
        (".5", "is text without quotes"),
        ("٣", "is text without quotes"),
        ('x" or id>0 or batchIdentifier="', "ends with a quote but does not start with one"),
        ('"', "starts with a quote that is not closed at its end"),
        ("\"John'", "starts with a quote that is not closed at its end"),
        ('"John" or id > 0', "starts with a quote that is not closed at its end"),
        (
            '"x" or id>0 or batchIdentifier=""',
            "holds the same quote that is put around it; use the other kind of quote",
        ),
        (
            "'O'Neil'",
            "holds the same quote that is put around it; use the other kind of quote",
        ),
        (
            '"O\'Brien "q""',
            "holds both kinds of quote, and such a text cannot be sent to ConnectWise: use Contains"
            " with a part of it, or Like with * in the place of a quote",
        ),
        (
            '"C:\\temp\\"',
            "holds a backslash, and ConnectWise has no safe way to write one",
        ),
        ('"a\nb"', "holds a line break or another character that cannot be sent"),
        ('"a\x00b"', "holds a line break or another character that cannot be sent"),
        ('"a\x7fb"', "holds a line break or another character that cannot be sent"),
        ('"a\x85b"', "holds a line break or another character that cannot be sent"),
        ('"a\u2028b"', "holds a line break or another character that cannot be sent"),
        ('"a\ud800b"', "holds a line break or another character that cannot be sent"),
        ("9" * 41, "is a number of more than 40 characters"),
        ("0." + "1" * 40, "is a number of more than 40 characters"),
        ("[]", "is not a date in the ISO 8601 format, in square brackets"),
        ("[2000-01-31", "is not a date in the ISO 8601 format, in square brackets"),
        ("[31/01/2000]", "is not a date in the ISO 8601 format, in square brackets"),
        ("[5/1/2014 5:21:58 AM]", "is not a date in the ISO 8601 format, in square brackets"),
        ("[2000-01-31T14]", "is not a date in the ISO 8601 format, in square brackets"),
        ("[2000-01-31T14:51.5]", "is not a date in the ISO 8601 format, in square brackets"),
        (
            "[2000-01-31] or [2000-01-31]",
            "is not a date in the ISO 8601 format, in square brackets",
        ),
        (
            "[2000-01-31T14:51:00Z] or id > 0",
            "is not a date in the ISO 8601 format, in square brackets",
        ),
        ("[2001-02-29]", "is a date or time that does not exist"),
        ("[0000-01-01]", "is a date or time that does not exist"),
        ("[2000-01-31T25:00:00Z]", "is a date or time that does not exist"),
        ("[2000-01-31T23:59:60Z]", "is a date or time that does not exist"),
        ("[2000-01-31T14:51:00+24:00]", "is a date or time that does not exist"),
        ("[2000-01-31T14:51:00+01:60]", "is a date or time that does not exist"),
        ("[1752-12-31T23:59:59Z]", "is a date outside the years 1753 to 9999"),
        ("[0001-01-01T00:00:00+12:00]", "is a date outside the years 1753 to 9999"),
        ("[9999-12-31T23:59:59-00:01]", "is a date outside the years 1753 to 9999"),
    ],
)
def test_invalid_value_is_refused_with_reason(typed: str, why: str) -> None:
    with pytest.raises(LiteralError) as refused:
        parse(typed, None)
    assert str(refused.value) == f"The value {why}."


@pytest.mark.parametrize(
    ("kind", "typed", "why"),
    [
        (FieldType.INTEGER, "two", "is not a whole number"),
        (FieldType.FLAG, "yes", "is neither True nor False"),
        (FieldType.TEXT, "John", "is text without quotes"),
        (FieldType.DATETIME, "yesterday", "is not a date in square brackets"),
    ],
)
def test_non_literal_is_refused_in_field_terms(kind: FieldType, typed: str, why: str) -> None:
    with pytest.raises(LiteralError) as refused:
        parse(typed, kind)
    assert str(refused.value) == f"The value {why}."


@pytest.mark.parametrize(
    ("kind", "typed", "repaired"),
    [
        (FieldType.TEXT, "John", '"John"'),
        (None, "John", '"John"'),
        (None, "“John”", '"John"'),
        (None, "O'Neil", '"O\'Neil"'),
        (None, "'O'Neil'", '"O\'Neil"'),
        (None, 'x" or id>0 or batchIdentifier=1', "'x\" or id>0 or batchIdentifier=1'"),
        (None, "C:\\temp", ""),
        (None, "a" * 61, ""),
        (FieldType.DATETIME, "2000-01-31 14:51", "[2000-01-31T14:51:00Z]"),
        (FieldType.DATETIME, "31/01/2000", ""),
        (FieldType.FLAG, "yes", ""),
        (FieldType.INTEGER, "two", ""),
    ],
)
def test_an_error_suggests_the_probable_value(
    kind: FieldType | None, typed: str, repaired: str
) -> None:
    with pytest.raises(LiteralError) as refused:
        parse(typed, kind)
    assert refused.value.repaired == repaired


@pytest.mark.parametrize(
    ("typed", "literal_type", "sent"),
    [
        ('("John", "Ben")', LiteralType.TEXT, '("John","Ben")'),
        ("( 'a,b' ,\"c)\", '(' )", LiteralType.TEXT, "('a,b',\"c)\",'(')"),
        ("(284)", LiteralType.INTEGER, "(284)"),
        ("(3, 02, 4)", LiteralType.INTEGER, "(3,2,4)"),
        ("(1, 2.50)", LiteralType.DECIMAL, "(1,2.50)"),
        ("(true, FALSE)", LiteralType.FLAG, "(True,False)"),
        ("([2000-01-31])", LiteralType.DATETIME, "([2000-01-31T00:00:00Z])"),
    ],
)
@pytest.mark.rule("F2")
def test_a_list_is_read_member_by_member(typed: str, literal_type: LiteralType, sent: str) -> None:
    assert parse_list(typed, None) == Literal(literal_type, sent)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ('"John"', "is not a list: put its members in brackets, with commas between"),
        ('"John", "Ben"', "is not a list: put its members in brackets, with commas between"),
        ("(1, 2", "is not a list: put its members in brackets, with commas between"),
        ("(", "is not a list: put its members in brackets, with commas between"),
        ("()", "is an empty list"),
        ("( )", "is an empty list"),
        ("(1,,2)", "is a list with a comma too many"),
        ("(1,)", "is a list with a comma too many"),
        ("(,)", "is a list with a comma too many"),
        ("(John)", "cannot hold John: it is text without quotes"),
        (
            "(1, [2001-02-29])",
            "cannot hold [2001-02-29]: it is a date or time that does not exist",
        ),
        ('("a", null)', "holds null, which cannot stand in a list"),
        ("(1, (2))", "holds the list (2), which cannot stand in a list"),
        ('("a", 1)', "is a list that mixes text and a whole number"),
        ("(1, [2000-01-31], 2.5)", "is a list that mixes a whole number and a date"),
        (
            '("a", "b") or ("c")',
            'cannot hold "b") or ("c": it holds the same quote that is put around it;'
            " use the other kind of quote",
        ),
        ("(1) or (2)", "cannot hold 1) or (2: it is text without quotes"),
        ('("a\nb")', "holds a line break or another character that cannot be sent"),
    ],
)
def test_invalid_list_is_refused_with_reason(typed: str, why: str) -> None:
    with pytest.raises(LiteralError) as refused:
        parse_list(typed, None)
    assert str(refused.value) == f"The value {why}."


def test_moment_is_written_in_utc_whole_seconds() -> None:
    zone = timezone(timedelta(hours=-5))
    moment = datetime(2020, 2, 29, 23, 30, 15, 999_999, tzinfo=zone)
    assert datetime_literal(moment) == "[2020-03-01T04:30:15Z]"


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (datetime(2020, 1, 1), "The value is a date without a time zone."),  # noqa: DTZ001
        (
            datetime(1752, 12, 31, tzinfo=UTC),
            "The value is a date outside the years 1753 to 9999.",
        ),
        (
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
            "The value is a date outside the years 1753 to 9999.",
        ),
    ],
)
def test_a_moment_that_has_no_literal_is_refused(moment: datetime, sentence: str) -> None:
    with pytest.raises(LiteralError) as refused:
        datetime_literal(moment)
    assert str(refused.value) == sentence


def test_text_in_a_message_is_short_and_printable() -> None:
    assert shown("a\x00\ud800\u202eb\n") == "a\ufffd\ufffd\ufffdb\ufffd"
    assert shown("x" * 60) == "x" * 60
    assert shown("x" * 61) == "x" * 59 + "…"


@pytest.mark.parametrize("text", ["\"'", "\\", "a\nb", "\ud800"])
def test_text_with_both_quotes_is_not_quoted(text: str) -> None:
    with pytest.raises(LiteralError):
        quote(text)


@thorough
@given(st.text())
def test_quoted_text_is_read_back_as_itself(text: str) -> None:
    try:
        quoted = quote(text)
    except LiteralError:
        return
    assert quoted[1:-1] == text
    assert parse(quoted, FieldType.TEXT) == Literal(LiteralType.TEXT, quoted)
    assert parse_list(f"({quoted}, {quoted})", FieldType.TEXT).sent == f"({quoted},{quoted})"


@thorough
@given(
    st.datetimes(
        min_value=datetime(1754, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_moment_round_trips_to_its_second(moment: datetime) -> None:
    sent = parse(f"[{moment.isoformat()}]", FieldType.DATETIME).sent
    assert sent == datetime_literal(moment)
    read = datetime.fromisoformat(sent[1:-1])
    assert timedelta(0) <= moment - read < timedelta(seconds=1)


@thorough
@given(st.text(), st.sampled_from([None, *FieldType]))
def test_any_text_raises_only_literal_errors(text: str, kind: FieldType | None) -> None:
    for read in (parse, parse_list):
        for typed in (text, f"[{text}]", f"({text})", f'"{text}"'):
            try:
                literal = read(typed, kind)
            except LiteralError as error:
                str(error).encode()
            else:
                literal.sent.encode()
