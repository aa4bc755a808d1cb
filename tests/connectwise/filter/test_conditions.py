import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.batch_fields import FIELD_TYPES, FieldType
from exports.connectwise.filter import conditions as grammar
from exports.connectwise.filter.conditions import COMPARISONS, Condition, ConditionError

thorough = settings(max_examples=300, deadline=None)

FITTING_ALL = ", ".join(grammar.fitting_comparisons(None))
FITTING_NUMBER = ", ".join(grammar.fitting_comparisons(FieldType.INTEGER))
FITTING_FLAG = ", ".join(grammar.fitting_comparisons(FieldType.FLAG))
OF_TEXT_ALONE = {"Contains", "Like", "NotContains", "NotLike"}


def rendered(field: str, comparison: str, value: str) -> str:
    return grammar.render([Condition(field, comparison, value)], FIELD_TYPES)


def refusal(*row: str) -> tuple[str, str]:
    with pytest.raises(ConditionError) as refused:
        grammar.check(Condition(*row), FIELD_TYPES)
    return refused.value.part, str(refused.value)


def error_of(condition: Condition) -> ConditionError | None:
    try:
        grammar.check(condition, FIELD_TYPES)
    except ConditionError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("comparison", "value", "sent"),
    [
        ("Contains", '"2019"', 'batchIdentifier contains "2019"'),
        ("Equal", '"2019"', 'batchIdentifier = "2019"'),
        ("GreaterThan", '"2019"', 'batchIdentifier > "2019"'),
        ("GreaterThanOrEqual", '"2019"', 'batchIdentifier >= "2019"'),
        ("In", '("a", "b")', 'batchIdentifier in ("a","b")'),
        ("Like", '"2019*"', 'batchIdentifier like "2019*"'),
        ("LessThan", '"2019"', 'batchIdentifier < "2019"'),
        ("LessThanOrEqual", '"2019"', 'batchIdentifier <= "2019"'),
        ("NotContains", '"2019"', 'batchIdentifier not contains "2019"'),
        ("NotEqual", '"2019"', 'batchIdentifier != "2019"'),
        ("NotIn", '("a", "b")', 'batchIdentifier not in ("a","b")'),
        ("NotLike", "'[[]50%]'", "batchIdentifier not like '[[]50%]'"),
    ],
)
@pytest.mark.rule("F1")
def test_every_comparison_is_sent_as_connectwise_spells_it(
    comparison: str, value: str, sent: str
) -> None:
    assert rendered("batchIdentifier", comparison, value) == sent


@pytest.mark.parametrize(
    ("field", "comparison", "value", "sent"),
    [
        ("id", "Equal", " 0284 ", "id = 284"),
        ("id", "NotIn", "(3, 2, 4)", "id not in (3,2,4)"),
        ("exportInvoicesFlag", "Equal", "true", "exportInvoicesFlag = True"),
        ("closedFlag", "In", "(True, false)", "closedFlag in (True,False)"),
        ("closedFlag", "NotEqual", "NULL", "closedFlag != null"),
        ("closedFlag", "NotEqual", "", "closedFlag != null"),
        ("batchIdentifier", "Equal", "  ", "batchIdentifier = null"),
        (
            "_info/lastUpdated",
            "GreaterThan",
            "[2000-01-31T14:51:00+01:00]",
            "_info/lastUpdated > [2000-01-31T13:51:00Z]",
        ),
        (" updatedBy ", "Equal", '"O\'Neil"', 'updatedBy = "O\'Neil"'),
        ("company/rate", "LessThan", "12.50", "company/rate < 12.50"),
        ("unheardOf", "In", "(True)", "unheardOf in (True)"),
    ],
)
def test_a_value_that_fits_its_field_is_sent(
    field: str, comparison: str, value: str, sent: str
) -> None:
    assert rendered(field, comparison, value) == sent


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            ("batchIdentifier", "Equal", "2019 b"),
            "The value for batchIdentifier is text without quotes."
            ' Example: batchIdentifier Equal "2019 b"',
        ),
        (
            ("batchIdentifier", "Equal", "C:\\temp\\"),
            "The value for batchIdentifier is text without quotes."
            ' Example: batchIdentifier Equal "20191015172525"',
        ),
        (
            ("batchIdentifier", "Like", '"2019'),
            "The value for batchIdentifier starts with a quote that is not closed at its end."
            ' Example: batchIdentifier Like "2019*"',
        ),
        (
            ("updatedBy", "Contains", '"say "x""'),
            "The value for updatedBy holds the same quote that is put around it;"
            " use the other kind of quote. Example: updatedBy Contains 'say \"x\"'",
        ),
        (
            ("updatedBy", "Contains", '"a\\"'),
            "The value for updatedBy holds a backslash, and ConnectWise has no safe way to"
            ' write one. Example: updatedBy Contains "John"',
        ),
        (
            ("id", "Equal", "(1, 2)"),
            "The value for id is a list; Equal takes one value. Example: id Equal 284",
        ),
        (
            ("updatedBy", "In", '"John", "Ben"'),
            "The value for updatedBy is not a list: put its members in brackets, with commas"
            ' between. Example: updatedBy In ("John", "Ben")',
        ),
        (
            ("id", "GreaterThan", "null"),
            "The value for id is null; GreaterThan takes a number, a date or text."
            " Example: id GreaterThan 284",
        ),
        (
            ("lastUpdated", "LessThan", ""),
            "The value for lastUpdated is blank; LessThan takes a number, a date or text."
            " Example: lastUpdated LessThan [2019-10-16T08:31:19Z]",
        ),
        (
            ("unheardOf", "LessThan", "True"),
            "The value for unheardOf is a True/False value; LessThan takes a number, a date or"
            ' text. Example: unheardOf LessThan "John"',
        ),
        (
            ("batchIdentifier", "NotContains", "2019"),
            "The value for batchIdentifier is a whole number; NotContains takes text in quotes."
            ' Example: batchIdentifier NotContains "2019"',
        ),
        (
            ("dateEntered", "Equal", "[2001-02-29]"),
            "The value for dateEntered is a date or time that does not exist."
            " Example: dateEntered Equal [2019-10-16T08:31:19Z]",
        ),
        (
            ("lastUpdated", "GreaterThan", "2001-02-28"),
            "The value for lastUpdated is not a date in square brackets."
            " Example: lastUpdated GreaterThan [2001-02-28T00:00:00Z]",
        ),
        (
            ("batchIdentifier", "Equal", "20191015"),
            "The value for batchIdentifier is a whole number, but batchIdentifier holds text."
            ' Example: batchIdentifier Equal "20191015172525"',
        ),
        (
            ("exportInvoicesFlag", "NotEqual", '"True"'),
            "The value for exportInvoicesFlag is text, but exportInvoicesFlag holds True or"
            " False. Example: exportInvoicesFlag NotEqual True",
        ),
        (
            ("id", "Equal", "2.5"),
            "The value for id is a decimal number, but id holds whole numbers."
            " Example: id Equal 284",
        ),
        (
            ("closedFlag", "In", "(1, 0)"),
            "The value for closedFlag holds a whole number, but closedFlag holds True or False."
            " Example: closedFlag In (True, False)",
        ),
        (
            ("id", "In", "(1, two)"),
            "The value for id cannot hold two: it is not a whole number. Example: id In (284, 285)",
        ),
    ],
)
@pytest.mark.rule("F3")
def test_invalid_value_names_field_reason_and_example(
    row: tuple[str, str, str], sentence: str
) -> None:
    assert refusal(*row) == ("value", sentence)


NOT_A_FIELD = (
    "{} is not a field: write its name as in the output file, or a reference and its field"
    " with a slash between, at most 100 characters. Example: batchIdentifier"
)


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("", "The field is missing. Example: batchIdentifier"),
        ("  ", "The field is missing. Example: batchIdentifier"),
        ("id) or (id", NOT_A_FIELD.format("id) or (id")),
        ("id>0 or id", NOT_A_FIELD.format("id>0 or id")),
        ("id\nid", NOT_A_FIELD.format("id\ufffdid")),
        ("1st", NOT_A_FIELD.format("1st")),
        ("größe", NOT_A_FIELD.format("größe")),
        ("a/b/c", NOT_A_FIELD.format("a/b/c")),
        ("/name", NOT_A_FIELD.format("/name")),
        ("name/", NOT_A_FIELD.format("name/")),
        ("a" * 101, NOT_A_FIELD.format("a" * 59 + "…")),
        (
            "Not",
            "Not is a word of the filter language, not a field. Example: batchIdentifier",
        ),
        (
            "company/like",
            "company/like is a word of the filter language, not a field. Example: batchIdentifier",
        ),
        (
            "EXTERNALID",
            "externalId cannot be used: the export adds it, ConnectWise does not know it."
            " Example: batchIdentifier",
        ),
    ],
)
def test_what_is_no_field_is_refused(field: str, sentence: str) -> None:
    assert refusal(field, "Equal", "1") == ("field", sentence)


@pytest.mark.parametrize(
    "word", ["and", "OR", "not", "In", "like", "CONTAINS", "null", "True", "false"]
)
def test_a_reserved_word_is_no_field(word: str) -> None:
    assert refusal(word, "Equal", "1")[0] == "field"


@pytest.mark.parametrize(
    ("field", "comparison", "sentence"),
    [
        (
            "batchIdentifier",
            "equals",
            f"equals is not a comparison. batchIdentifier can be compared with {FITTING_ALL}."
            ' Example: batchIdentifier Equal "20191015172525"',
        ),
        (
            "id",
            "",
            f"The comparison is missing. id can be compared with {FITTING_NUMBER}."
            " Example: id Equal 284",
        ),
        (
            "id",
            "Contains",
            "Contains takes text in quotes, but id holds whole numbers."
            f" id can be compared with {FITTING_NUMBER}. Example: id Equal 284",
        ),
        (
            "closedFlag",
            "GreaterThan",
            "GreaterThan takes a number, a date or text, but closedFlag holds True or False."
            f" closedFlag can be compared with {FITTING_FLAG}."
            " Example: closedFlag Equal True",
        ),
    ],
)
def test_a_comparison_that_does_not_fit_is_refused(
    field: str, comparison: str, sentence: str
) -> None:
    assert refusal(field, comparison, "1") == ("comparison", sentence)


def test_logic_operator_is_and_or_or_empty() -> None:
    assert refusal("id", "Equal", "1", "Xor") == (
        "logic_operator",
        "The logic operator of id is Xor: choose And or Or, or leave it empty, which means And.",
    )


@pytest.mark.parametrize("field", ["id", "batchIdentifier", "closedFlag", "lastUpdated", "other"])
def test_example_in_an_error_is_valid(field: str) -> None:
    values = ["", "null", "True", "1", "1.5", '"a', "abc", "[x]", "(", "()", "(1)", '("a")', "'\\'"]
    refused = [
        error
        for comparison in COMPARISONS
        for value in values
        if (error := error_of(Condition(field, comparison.name, value)))
    ]
    assert len(refused) > len(values)
    for error in refused:
        example = Condition(*str(error).split(" Example: ")[1].split(" ", 2))
        assert (example.field, error_of(example)) == (field, None)


@pytest.mark.parametrize("field", [*FIELD_TYPES, "company/id"])
def test_every_offered_comparison_has_valid_example(field: str) -> None:
    fitting = grammar.fitting_comparisons(FIELD_TYPES.get(field))
    assert {"Equal", "NotEqual", "In", "NotIn"} <= set(fitting)
    for comparison in fitting:
        example = grammar.example_for(field, FIELD_TYPES, comparison)
        grammar.check(Condition(field, comparison, example), FIELD_TYPES)


def test_each_field_type_offers_sensible_comparisons() -> None:
    fitting = grammar.fitting_comparisons
    everything = tuple(comparison.name for comparison in COMPARISONS)
    assert fitting(None) == fitting(FieldType.TEXT) == everything
    assert fitting(FieldType.INTEGER) == fitting(FieldType.DATETIME)
    assert not OF_TEXT_ALONE & set(fitting(FieldType.INTEGER))
    assert {"Equal", "In", "NotEqual", "NotIn"} <= set(fitting(FieldType.FLAG))
    assert not ({"GreaterThan", "LessThan"} | OF_TEXT_ALONE) & set(fitting(FieldType.FLAG))


@pytest.mark.rule("F3")
def test_an_unknown_field_is_allowed_with_a_warning() -> None:
    def warnings(field: str) -> list[str]:
        return grammar.warnings_for(Condition(field, "Equal", "1"), FIELD_TYPES)

    sentence = "{} is not a known field: ConnectWise may refuse it or find nothing."
    assert warnings("id") == []
    assert warnings("_info/updatedBy") == []
    assert warnings("company/id") == [sentence.format("company/id")]
    assert warnings("batchidentifier") == [
        f"{sentence.format('batchidentifier')} Did you mean batchIdentifier?"
    ]


def chain(*logic_operators: str) -> list[Condition]:
    return [
        Condition(field, "Equal", "1", logic_operator)
        for field, logic_operator in zip("abcd", logic_operators, strict=False)
    ]


@pytest.mark.parametrize(
    ("logic_operators", "sent"),
    [
        ((), ""),
        (("",), "a = 1"),
        (("Or",), "a = 1"),
        (("And", ""), "a = 1 and b = 1"),
        (("", ""), "a = 1 and b = 1"),
        (("Or", "Or", ""), "a = 1 or b = 1 or c = 1"),
        (("Or", "And", ""), "a = 1 or (b = 1 and c = 1)"),
        (("And", "Or", ""), "(a = 1 and b = 1) or c = 1"),
        (("", "Or", "", "Or"), "(a = 1 and b = 1) or (c = 1 and d = 1)"),
        (("Or", "And", "Or", "And"), "a = 1 or (b = 1 and c = 1) or d = 1"),
    ],
)
@pytest.mark.rule("F4")
def test_and_binds_before_or(logic_operators: tuple[str, ...], sent: str) -> None:
    assert grammar.render(chain(*logic_operators), {}) == sent


@pytest.mark.rule("F5")
def test_added_parts_stay_outside_the_brackets() -> None:
    user_part = grammar.render(chain("Or", "And", ""), {})
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert grammar.both(user_part, grammar.updated_after(moment), grammar.id_above(284)) == (
        "(a = 1 or (b = 1 and c = 1)) and lastUpdated > [2020-01-01T00:00:00Z] and id > 284"
    )


def test_brackets_are_only_put_where_something_is_added() -> None:
    assert grammar.both("") == ""
    assert grammar.both("a = 1 or b = 1", "") == "a = 1 or b = 1"
    assert grammar.both("", "id > 1") == "id > 1"
    assert grammar.both("", "", "id > 1", "id <= 9") == "id > 1 and id <= 9"
    assert grammar.both("a = 1", "", "id > 1") == "(a = 1) and id > 1"


def test_parts_a_run_adds_are_formatted() -> None:
    moment = datetime(1970, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert [
        grammar.id_above(0),
        grammar.id_up_to(284),
        grammar.updated_after(moment),
        grammar.updated_up_to(moment),
        grammar.created_after(moment),
        grammar.created_up_to(moment),
    ] == [
        "id > 0",
        "id <= 284",
        "lastUpdated > [1970-01-01T00:00:00Z]",
        "lastUpdated <= [1970-01-01T00:00:00Z]",
        "_info/dateEntered > [1970-01-01T00:00:00Z]",
        "_info/dateEntered <= [1970-01-01T00:00:00Z]",
    ]


def test_a_filter_can_be_read_as_a_sentence() -> None:
    rows = [
        Condition("exportInvoicesFlag", "Equal", "true", "Or"),
        Condition("batchIdentifier", "Like", '"2026*"'),
        Condition("id", "GreaterThanOrEqual", "284"),
    ]
    assert grammar.in_words(rows, FIELD_TYPES) == (
        "batches where exportInvoicesFlag is True or"
        ' (batchIdentifier is like "2026*" and id is at least 284)'
    )
    assert grammar.in_words([], FIELD_TYPES) == "all batches"


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        ("GreaterThan", "is after"),
        ("GreaterThanOrEqual", "is at or after"),
        ("LessThan", "is before"),
        ("LessThanOrEqual", "is at or before"),
        ("Equal", "is"),
    ],
)
@pytest.mark.parametrize("field", ["lastUpdated", "company/openedOn"])
def test_dates_are_read_out_as_before_and_after(field: str, comparison: str, words: str) -> None:
    row = Condition(field, comparison, "[2026-01-31]")
    assert grammar.in_words([row], FIELD_TYPES) == (
        f"batches where {field} {words} [2026-01-31T00:00:00Z]"
    )


def test_length_counts_encoded_characters() -> None:
    assert grammar.encoded_length("") == 0
    assert grammar.encoded_length('a/b = "ë"') == len("a%2Fb%20%3D%20%22%C3%AB%22")


def test_quoting_uses_the_free_quote_or_refuses() -> None:
    assert grammar.quote("John") == '"John"'
    assert grammar.quote('say "x"') == "'say \"x\"'"
    with pytest.raises(ConditionError) as refused:
        grammar.quote("\"'")
    assert (refused.value.part, str(refused.value)) == (
        "value",
        "The value holds both kinds of quote, and such a text cannot be sent to ConnectWise: use "
        "Contains with a part of it, or Like with * in the place of a quote.",
    )


INJECTIONS = [
    'x" or id>0 or batchIdentifier="',
    "x' or id>0 or batchIdentifier='",
    '"x" or id>0 or batchIdentifier="y"',
    '"x" or batchIdentifier=\'y"',
    "(1) or (id>0)",
    "1 or 1",
    "null or id > 0",
    "[2020-01-01] or id > [2020-01-01]",
    '"x\\" or id>0 or batchIdentifier=\\""',
]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("comparison", ["Equal", "Like", "In"])
def test_value_that_widens_the_filter_is_refused(value: str, comparison: str) -> None:
    assert refusal("batchIdentifier", comparison, value)[0] == "value"
    assert refusal("batchIdentifier", comparison, f"({value})")[0] == "value"


@pytest.mark.parametrize("text", INJECTIONS[:-1])
def test_same_text_in_right_quotes_is_one_value(text: str) -> None:
    try:
        value = grammar.quote(text)
    except ConditionError:
        assert {'"', "'"} <= set(text)
    else:
        assert tokens(rendered("batchIdentifier", "Equal", value)) == [
            "batchIdentifier",
            "=",
            ("text", text),
        ]


# A separate parser of filters, which shares no code with the code under test.

Token = str | tuple[str, str]
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<other>\[[^\]]*\]|[A-Za-z_/0-9.-]+|[<>!]=|[=<>(),]))"""
)


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"cannot be read from {text[at:]!r}"
        found.append(("text", match["text"][1:-1]) if match["text"] else match["other"])
        at = match.end()
    return found


def evaluate(left: list[Token], truths: dict[str, bool]) -> bool:
    """Read `x = 1` terms from left to right; a mix without brackets is an error."""
    result = evaluate_term(left, truths)
    operator: Token = ""
    while left and left[0] != ")":
        assert operator in ("", left[0]), "and and or meet without brackets"
        operator = left.pop(0)
        term = evaluate_term(left, truths)
        result = (result and term) if operator == "and" else (result or term)
    return result


def evaluate_term(left: list[Token], truths: dict[str, bool]) -> bool:
    first = left.pop(0)
    if first == "(":
        result = evaluate(left, truths)
        assert left.pop(0) == ")"
        return result
    assert isinstance(first, str)
    assert [left.pop(0), left.pop(0)] == ["=", "1"]
    return truths[first]


def meant(truths: Sequence[bool], logic_operators: Sequence[str]) -> bool:
    """And binds first, as in Python."""
    words = [str(truths[0])]
    for logic_operator, truth in zip(logic_operators[:-1], truths[1:], strict=True):
        words += [logic_operator.lower() or "and", str(truth)]
    return bool(eval(" ".join(words)))  # only True, False, and, or


@thorough
@given(st.text())
def test_quoted_text_is_always_exactly_one_token(text: str) -> None:
    try:
        value = grammar.quote(text)
    except ConditionError:
        return
    for comparison in ("Equal", "Like"):
        assert tokens(rendered("batchIdentifier", comparison, value))[2:] == [("text", text)]
    assert tokens(rendered("batchIdentifier", "In", f"({value},{value})"))[2:] == [
        "(",
        ("text", text),
        ",",
        ("text", text),
        ")",
    ]


hostile = st.text(alphabet="\"'()[],\\ aor=>01", max_size=12)


@thorough
@given(value=hostile, comparison=st.sampled_from([c.name for c in COMPARISONS]))
def test_any_typed_value_stays_one_comparison(value: str, comparison: str) -> None:
    for field in ("batchIdentifier", "unheardOf"):
        for typed in (value, f'"{value}"', f"({value})", f'("{value}")'):
            try:
                sent = rendered(field, comparison, typed)
            except ConditionError:
                continue
            after_field = [token for token in tokens(sent)[1:] if isinstance(token, str)]
            assert not {"and", "or", field} & set(after_field)


@thorough
@given(
    rows=st.lists(
        st.tuples(st.booleans(), st.sampled_from(["", "And", "Or"])), min_size=1, max_size=8
    )
)
def test_the_brackets_mean_what_and_before_or_means(rows: list[tuple[bool, str]]) -> None:
    truths, logic_operators = [row[0] for row in rows], [row[1] for row in rows]
    names = [f"f{at}" for at in range(len(rows))]
    conditions = [
        Condition(name, "Equal", "1", logic_operator)
        for name, logic_operator in zip(names, logic_operators, strict=True)
    ]
    values = dict(zip(names, truths, strict=True))
    user_part = grammar.render(conditions, {})
    assert evaluate(tokens(user_part), values) is meant(truths, logic_operators)
    closed = tokens(grammar.both(user_part, "last = 1"))
    assert evaluate(closed, {**values, "last": False}) is False


@thorough
@given(
    st.builds(
        Condition,
        st.text() | st.sampled_from([*FIELD_TYPES, "other/name"]),
        st.text() | st.sampled_from([comparison.name for comparison in COMPARISONS]),
        st.text(),
        st.text() | st.sampled_from(["And", "Or"]),
    )
)
def test_any_text_raises_only_condition_errors(condition: Condition) -> None:
    "".join(grammar.warnings_for(condition, FIELD_TYPES)).encode()
    if error := error_of(condition):
        str(error).encode()
    else:
        grammar.render([condition], FIELD_TYPES).encode()


def test_a_very_long_value_is_answered_at_once() -> None:
    for value in ("0" * 200_000 + "x", "(" * 200_000, '"' * 200_000, "[" + "2" * 200_000 + "]"):
        assert error_of(Condition("batchIdentifier", "Equal", value))
        assert error_of(Condition("batchIdentifier", "In", f"({value})"))
    assert error_of(Condition("a" * 200_000, "Equal", "1"))
