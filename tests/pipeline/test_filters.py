"""Typed conditions, against a server with its own, independent parser.

Every form of literal and every comparison finds exactly the rows that plain Python finds (F1 to
F3).
"""

import pytest

from exports.connectwise.filter.conditions import COMPARISONS, ConditionError
from exports.demo import comparisons
from exports.demo.server import StandIn
from exports.models import Run
from tests.conftest import MakeTask, run_now
from tests.pipeline.filtering import (
    FLAG,
    INJECTION,
    ODD_IDENTIFIERS,
    Wanted,
    at,
    filtered,
    name_of,
    rate,
    updated,
    varied,
    wanted_ids,
)
from tests.pipeline.outcomes import aftermath, exported_ids, safe_failure

__all__ = ["varied"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("varied")]

CASES: list[tuple[str, str, str, Wanted]] = [
    # Whole numbers
    ("id", "Equal", "60", lambda r: r["id"] == 60),
    ("id", "Equal", " 060 ", lambda r: r["id"] == 60),
    ("id", "NotEqual", "60", lambda r: r["id"] != 60),
    ("id", "GreaterThan", "100", lambda r: r["id"] > 100),
    ("id", "GreaterThanOrEqual", "100", lambda r: r["id"] >= 100),
    ("id", "LessThan", "100", lambda r: r["id"] < 100),
    ("id", "LessThanOrEqual", "100", lambda r: r["id"] <= 100),
    ("id", "In", "(1, 4,5 , 99999)", lambda r: r["id"] in {1, 4, 5}),
    ("id", "NotIn", "(1,4,5)", lambda r: r["id"] not in {1, 4, 5}),
    # Decimals, in an unknown field
    ("rate", "Equal", "0.250", lambda r: rate(r) == 0.25),
    ("rate", "NotEqual", "0.25", lambda r: rate(r) not in {None, 0.25}),
    ("rate", "GreaterThan", "-1.5", lambda r: (rate(r) or -9) > -1.5),
    ("rate", "LessThanOrEqual", "-1.5", lambda r: (rate(r) or 9) <= -1.5),
    ("rate", "In", "(0.25, -1.50)", lambda r: rate(r) in {0.25, -1.5}),
    # Text, which is compared without regard to case
    ("batchIdentifier", "Equal", '"o\'neil"', lambda r: name_of(r) == "o'neil"),
    ("batchIdentifier", "Equal", "'the \"late\" ones'", lambda r: name_of(r) == 'the "late" ones'),
    ("batchIdentifier", "NotEqual", '"O\'Neil"', lambda r: name_of(r) != "o'neil"),
    ("batchIdentifier", "GreaterThan", '"2018"', lambda r: name_of(r) > "2018"),
    ("batchIdentifier", "GreaterThanOrEqual", "'2018'", lambda r: name_of(r) >= "2018"),
    ("batchIdentifier", "LessThan", '"2018"', lambda r: name_of(r) < "2018"),
    ("batchIdentifier", "LessThanOrEqual", '"2018"', lambda r: name_of(r) <= "2018"),
    ("batchIdentifier", "Contains", '"LAT"', lambda r: "lat" in name_of(r)),
    ("batchIdentifier", "NotContains", '"1"', lambda r: "1" not in name_of(r)),
    ("batchIdentifier", "Like", '"2018*"', lambda r: name_of(r).startswith("2018")),
    ("batchIdentifier", "Like", '"%ones"', lambda r: name_of(r).endswith("ones")),
    ("batchIdentifier", "NotLike", '"2*"', lambda r: not name_of(r).startswith("2")),
    (
        "batchIdentifier",
        "In",
        '("O\'Neil", \'the "late" ones\', "a, b")',
        lambda r: name_of(r) in {"o'neil", 'the "late" ones', "a, b"},
    ),
    ("batchIdentifier", "NotIn", '("O\'Neil")', lambda r: name_of(r) != "o'neil"),
    ("updatedBy", "Equal", '"Admin1"', lambda r: r["_info"]["updatedBy"] == "Admin1"),
    ("_info/updatedBy", "Contains", '"admin"', lambda r: "Admin" in r["_info"]["updatedBy"]),
    # Flags and null; only null itself compares true with null
    (FLAG, "Equal", "True", lambda r: r.get(FLAG) is True),
    (FLAG, "Equal", "fALSE", lambda r: r.get(FLAG) is False),
    (FLAG, "NotEqual", "true", lambda r: r.get(FLAG) is False),
    (FLAG, "In", "(True)", lambda r: r.get(FLAG) is True),
    (FLAG, "NotIn", "(True)", lambda r: r.get(FLAG) is False),
    (FLAG, "Equal", "null", lambda r: r.get(FLAG) is None),
    (FLAG, "Equal", "", lambda r: r.get(FLAG) is None),
    (FLAG, "NotEqual", "NULL", lambda r: r.get(FLAG) is not None),
    (FLAG, "NotEqual", " ", lambda r: r.get(FLAG) is not None),
    # Dates, with and without an offset
    (
        "lastUpdated",
        "GreaterThan",
        "[2018-01-01T00:00:00Z]",
        lambda r: updated(r) > at("2018-01-01T00:00:00Z"),
    ),
    (
        "_info/lastUpdated",
        "GreaterThanOrEqual",
        "[2020-02-02T02:02:02]",
        lambda r: updated(r) >= at("2020-02-02T02:02:02Z"),
    ),
    (
        "lastUpdated",
        "LessThan",
        "[2020-02-02T04:02:02+02:00]",
        lambda r: updated(r) < at("2020-02-02T02:02:02Z"),
    ),
    (
        "lastUpdated",
        "LessThanOrEqual",
        "[2020-02-01T21:02:02.9-0500]",
        lambda r: updated(r) <= at("2020-02-02T02:02:02Z"),
    ),
    (
        "lastUpdated",
        "Equal",
        "[2020-02-02T02:02:02Z]",
        lambda r: updated(r) == at("2020-02-02T02:02:02Z"),
    ),
    (
        "lastUpdated",
        "NotEqual",
        "[2020-02-02T02:02:02Z]",
        lambda r: updated(r) != at("2020-02-02T02:02:02Z"),
    ),
    (
        "lastUpdated",
        "In",
        "([2020-02-02T02:02:02Z], [2020-02-03])",
        lambda r: updated(r) in {at("2020-02-02T02:02:02Z"), at("2020-02-03T00:00:00Z")},
    ),
]


@pytest.mark.parametrize(
    ("field", "comparison", "value", "wanted"), CASES, ids=[" ".join(case[:3]) for case in CASES]
)
@pytest.mark.rule("F1")
def test_a_condition_brings_exactly_the_rows_it_says(
    make_task: MakeTask,
    stand_in: StandIn,
    field: str,
    comparison: str,
    value: str,
    wanted: Wanted,
) -> None:
    expected = wanted_ids(stand_in, wanted)
    # Neither all nor none, so that the test notices an ignored filter.
    assert 0 < len(expected) < len(stand_in.store)

    run = run_now(filtered(make_task, [(field, comparison, value)]))

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == expected


def test_every_comparison_the_stand_in_knows_is_tried() -> None:
    known = {one.name for one in COMPARISONS if one.sent in comparisons.KNOWN}

    assert {comparison for _, comparison, _, _ in CASES} == known


def has(text: str) -> Wanted:
    return lambda record: record["batchIdentifier"] == text


@pytest.mark.parametrize("text", [*ODD_IDENTIFIERS, "Müller & Söhne – März", "a]]>b"])
def test_awkward_text_finds_its_row(make_task: MakeTask, stand_in: StandIn, text: str) -> None:
    mark = "'" if '"' in text else '"'

    run = run_now(filtered(make_task, [("batchIdentifier", "Equal", f"{mark}{text}{mark}")]))

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == wanted_ids(stand_in, has(text))
    assert len(exported_ids(run)) >= 1


@pytest.mark.parametrize("comparison", ["Contains", "Like", "GreaterThan"])
def test_an_injection_in_quotes_never_widens_the_filter(
    make_task: MakeTask, stand_in: StandIn, comparison: str
) -> None:
    run = run_now(filtered(make_task, [("batchIdentifier", comparison, f"'{INJECTION}'")]))

    assert (run.status, run.error) == ("succeeded", "")
    if comparison == "GreaterThan":
        expected = wanted_ids(stand_in, lambda r: name_of(r) > INJECTION.lower())
    else:
        expected = wanted_ids(stand_in, has(INJECTION))
    assert exported_ids(run) == expected


def test_injection_in_list_never_widens_filter(make_task: MakeTask, stand_in: StandIn) -> None:
    run = run_now(filtered(make_task, [("batchIdentifier", "In", f"('{INJECTION}', 'none')")]))

    assert exported_ids(run) == wanted_ids(stand_in, has(INJECTION))


@pytest.mark.parametrize(
    ("field", "comparison", "value"),
    [
        ("batchIdentifier", "Equal", INJECTION),
        ("batchIdentifier", "Equal", f'"{INJECTION}"'),
        ("batchIdentifier", "Equal", "'O'Neil'"),
        ("batchIdentifier", "Equal", '"C:\\temp\\"'),
        ("batchIdentifier", "In", f'("{INJECTION}")'),
        ("batchIdentifier", "Equal", '"a\nb"'),
        ("batchIdentifier", "Equal", "2019"),
        ("id", "Equal", "1 or id > 0"),
        ("id", "GreaterThan", "null"),
        ("id", "In", "(1) or id in (2)"),
        ("lastUpdated", "GreaterThan", "[2020-01-01] or id > 0 or lastUpdated > [2020-01-01]"),
        ("id) or (id", "Equal", "1"),
        ("id>0 or id", "Equal", "1"),
        ("", "Equal", "1"),
        ("externalId", "Equal", '"1"'),
        ("id", "= 1 or id >", "1"),
    ],
)
def test_widening_value_is_refused_before_any_run(
    make_task: MakeTask, stand_in: StandIn, field: str, comparison: str, value: str
) -> None:
    with pytest.raises(ConditionError):
        run_now(filtered(make_task, [(field, comparison, value)]))

    assert Run.objects.count() == 0
    assert list(stand_in.requests) == []


def test_too_long_filter_fails_safely(make_task: MakeTask, stand_in: StandIn) -> None:
    # The form refuses it; a task that got it another way must not lose batches.
    many = ",".join(str(number) for number in range(1, 1001))

    run = run_now(filtered(make_task, [("id", "In", f"({many})")]))

    assert aftermath(run) == safe_failure(run)
    assert run.error != ""
