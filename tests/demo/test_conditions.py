"""The stand-in's filter: what each condition means, row by row, and what is refused."""

import pytest

from exports.demo.conditions import ConditionsError, parse_conditions
from exports.demo.rows import Record, Row

RECORDS: list[Record] = [
    {
        "id": 1,
        "batchIdentifier": "Alpha",
        "exportInvoicesFlag": True,
        "amount": 1.5,
        "_info": {"lastUpdated": "2020-01-01T00:00:00Z", "updatedBy": "Admin1"},
    },
    {
        "id": 2,
        "batchIdentifier": "beta 50% a*b [x]",
        "exportInvoicesFlag": False,
        "amount": 10,
        "_info": {"lastUpdated": "2020-01-02T00:00:00Z", "updatedBy": "admin2"},
    },
    {
        "id": 3,
        "batchIdentifier": "O'Neil",
        "_info": {"lastUpdated": "2020-01-03T00:00:00.1234567Z"},
    },
    {"id": 4, "exportInvoicesFlag": True},
    {
        "id": 5,
        "batchIdentifier": 'Müller "A"',
        "exportInvoicesFlag": False,
        "company": {"id": 7, "name": "Acme"},
        "_info": {"lastUpdated": "5/1/2014 5:21:58 AM", "dateEntered": "2014-05-01T05:00:00Z"},
    },
]
ROWS = [Row.of(record) for record in RECORDS]


def ids(conditions: str, *, lenient_precedence: bool = False) -> list[int]:
    condition = parse_conditions(conditions, lenient_precedence=lenient_precedence)
    return [
        row.id
        for row in ROWS
        if condition.low <= row.id <= condition.high and condition.matches(row)
    ]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("  ", [1, 2, 3, 4, 5]),
        # numbers
        ("id = 3", [3]),
        ("id != 3", [1, 2, 4, 5]),
        ("id < 3", [1, 2]),
        ("id <= 3", [1, 2, 3]),
        ("id > 3", [4, 5]),
        ("id >= 3", [3, 4, 5]),
        ("id > 2.5", [3, 4, 5]),
        ("id > -1", [1, 2, 3, 4, 5]),
        ("id in (3, 2, 4)", [2, 3, 4]),
        ("id not in (3,2,4)", [1, 5]),
        ("amount >= 1.5", [1, 2]),
        ("amount = 1.50", [1]),
        # text
        ('batchIdentifier = "ALPHA"', [1]),
        ("batchIdentifier = 'alpha'", [1]),
        ('batchIdentifier = "O\'Neil"', [3]),
        ("batchIdentifier = 'Müller \"A\"'", [5]),
        ('batchIdentifier != "alpha"', [2, 3, 5]),
        ('batchIdentifier > "c"', [3, 5]),
        ('batchIdentifier <= "alpha"', [1]),
        ('batchIdentifier = "and"', []),
        ('batchIdentifier contains "eT"', [2]),
        ('batchIdentifier contains "50%"', [2]),
        ('batchIdentifier contains "*"', [2]),
        ('batchIdentifier not contains "a"', [3]),
        ('batchIdentifier like "a*"', [1]),
        ('batchIdentifier like "%a"', [1]),
        ('batchIdentifier like "alpha"', [1]),
        ('batchIdentifier like "lph"', []),
        ('batchIdentifier like "*[[]x]"', [2]),
        ('batchIdentifier like "A.pha"', []),
        ('batchIdentifier not like "a*"', [2, 3, 5]),
        ('batchIdentifier in ("ALPHA", "nobody")', [1]),
        ('batchIdentifier not in ("alpha")', [2, 3, 5]),
        # flags and null: a missing flag is null, and null is not different from anything
        ("exportInvoicesFlag = True", [1, 4]),
        ("exportInvoicesFlag = false", [2, 5]),
        ("exportInvoicesFlag != True", [2, 5]),
        ("exportInvoicesFlag in (True, False)", [1, 2, 4, 5]),
        ("exportInvoicesFlag = null", [3]),
        ("exportInvoicesFlag != null", [1, 2, 4, 5]),
        ("batchIdentifier = null", [4]),
        ('batchIdentifier in ("alpha", null)', [1]),
        ('batchIdentifier not in ("alpha", null)', []),
        ("nothing/like/it = null", [1, 2, 3, 4, 5]),
        # dates, under both names
        ("lastUpdated > [2020-01-02T00:00:00Z]", [3]),
        ("_info/lastUpdated >= [2020-01-02T00:00:00Z]", [2, 3]),
        ("lastUpdated = [2020-01-02T01:00:00+01:00]", [2]),
        ("lastUpdated = [2020-01-02T00:00:00]", [2]),
        ("lastUpdated < [2020-01-03T00:00:00.5Z]", [1, 2, 3, 5]),
        ("lastUpdated = [2014-05-01T05:21:58Z]", [5]),
        ("lastUpdated = null", [4]),
        ("dateEntered > [1970-01-01T00:00:00Z]", [5]),
        ("_info/dateEntered <= [1970-01-01T00:00:00Z]", []),
        ('updatedBy = "Admin2"', [2]),
        # references, unknown fields, spelling
        ("company/id = 7", [5]),
        ('company/name like "ac*"', [5]),
        ("BATCHIDENTIFIER = 'alpha' AND Id = 1", [1]),
        # joins
        ("id = 1 or id = 3 or id = 5", [1, 3, 5]),
        ("id > 1 and id < 5 and exportInvoicesFlag = True", [4]),
        ("(id = 1 or id = 2) and exportInvoicesFlag = True", [1]),
        ("id = 1 or (id >= 2 and exportInvoicesFlag = True)", [1, 4]),
        ("((id=1)or((id=2)))", [1, 2]),
        ("(id = 1 or batchIdentifier = null) and (id = 4 or id = 5) and id > 0", [4]),
    ],
)
def test_a_condition_picks_exactly_these_rows(conditions: str, expected: list[int]) -> None:
    assert ids(conditions) == expected


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ("id", "expected a comparison, not the end, at position 3"),
        (
            "id = ",
            "expected a value (text in quotes, a number, True, False, null or "
            "[a date]), not the end, at position 6",
        ),
        ("= 3", "expected a field name or '(', not '=', at position 1"),
        ("id = 3 3", "expected 'and', 'or' or the end, not '3', at position 8"),
        ("id = 3 and", "expected a field name or '(', not the end, at position 11"),
        ("(id = 3", "expected ')', not the end, at position 8"),
        ("id = 3)", "expected 'and', 'or' or the end, not ')', at position 7"),
        ("()", "expected a field name or '(', not ')', at position 2"),
        ("and = 3", "expected a field name or '(', not 'and', at position 1"),
        ("not (id = 3)", "expected a field name or '(', not 'not', at position 1"),
        ("id not = 3", "expected 'in', 'like' or 'contains', not '=', at position 8"),
        ("id in 3", "expected a list in brackets, not '3', at position 7"),
        ("id in (3", "expected ',' or ')', not the end, at position 9"),
        ("id = 1 or id = 2 and id = 3", "'and' and 'or' are mixed without brackets at position 18"),
        (
            "(id = 1 and id = 2 or id = 3)",
            "'and' and 'or' are mixed without brackets at position 20",
        ),
        ('batchIdentifier = "a', "unexpected '\"' at position 19"),
        ("id ; 3", "unexpected ';' at position 4"),
        ("id = 1.", "unexpected '.' at position 7"),
        (
            "exportInvoicesFlag contains True",
            "'contains' needs a text in quotes, not a flag, at position 1",
        ),
        ("exportInvoicesFlag > True", "'>' cannot be used with a flag, at position 1"),
        ("id < null", "'<' cannot be used with a null, at position 1"),
        ('id = "3"', "the field 'id' is a number, the value a text, at position 1"),
        (
            "batchIdentifier = 3",
            "the field 'batchidentifier' is a text, the value a number, at position 1",
        ),
        (
            'id = 1 and lastUpdated > "2020-01-01"',
            "the field '_info/lastupdated' is a date, the value a text, at position 12",
        ),
        (
            "updatedBy = 3",
            "the field '_info/updatedby' is a text, the value a number, at position 1",
        ),
    ],
)
def test_unreadable_condition_is_refused_with_place(conditions: str, message: str) -> None:
    with pytest.raises(ConditionsError) as refusal:
        parse_conditions(conditions)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "literal",
    [
        "[2020-01-01]",
        "[2020-13-01T00:00:00Z]",
        "[]",
        "[2020-01-01 00:00:00]",
        "()",
        "alpha",
        "9" * 301,
    ],
)
def test_a_value_that_is_none_is_refused(literal: str) -> None:
    with pytest.raises(ConditionsError, match="expected a value"):
        parse_conditions(f"company/x = {literal}")


def test_brackets_without_end_are_refused_without_a_crash() -> None:
    with pytest.raises(ConditionsError, match="at most 50 brackets inside each other"):
        parse_conditions("(" * 10_000)


def test_a_thousand_ids_fit_one_list() -> None:
    assert ids(f"id in ({', '.join(map(str, range(3, 1003)))})") == [3, 4, 5]


def test_a_lenient_server_lets_and_bind_before_or() -> None:
    assert ids("id = 1 or id = 2 and id = 3", lenient_precedence=True) == [1]
    assert ids("id = 2 and id = 3 or id = 1", lenient_precedence=True) == [1]


@pytest.mark.parametrize(
    ("conditions", "low", "high", "exact"),
    [
        ("id > 10 and id <= 20", 11, 20, True),
        ("(id > 10) and (id < 20 and id >= 12)", 12, 19, True),
        ("id = 15", 15, 15, True),
        ("exportInvoicesFlag = True and id > 10", 11, 2**63, False),
        ("id > 10 or id = 3", 3, 2**63, False),
        ("id = 3 or exportInvoicesFlag = True", -(2**63), 2**63, False),
    ],
)
def test_id_bounds_are_known_before_reading(
    conditions: str, low: int, high: int, exact: bool
) -> None:
    condition = parse_conditions(conditions)
    assert (condition.low, condition.high, condition.exact) == (low, high, exact)
