"""The rows of the condition editor: added, removed and moved on the server (no script needed)."""

from html import unescape
from re import findall
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.connectwise.batch_fields import FIELD_TYPES, FieldType
from exports.connectwise.filter.conditions import COMPARISONS, Condition, fitting_comparisons
from exports.forms.conditions import MAX_ROWS, posted_rows, shown_rows
from exports.forms.row_actions import rows_after
from tests.views.form_data import row_data

A = Condition("exportInvoicesFlag", "Equal", "True", "Or")
B = Condition("batchIdentifier", "Like", '"2026*"', "And")
C = Condition("id", "In", "(1,2", "")
EMPTY = Condition("", "", "", "")


def posted(*rows: Condition, **fields: str) -> dict[str, str]:
    return row_data(*rows) | fields


def focused_in(page: str) -> list[str]:
    """The names of the inputs, or the actions of the buttons, that get the focus."""
    tags = findall(r"<(?:input|select|button)[^>]*autofocus[^>]*>", page)
    attributes = [dict(findall(r'(name|value)="([^"]*)"', tag)) for tag in tags]
    return [each["value"] if each["name"] == "row_action" else each["name"] for each in attributes]


@pytest.mark.parametrize(
    ("action", "rows", "focused"),
    [
        ("add", [A, B, C, EMPTY], "conditions-3-field"),
        ("remove-0", [B, C], "conditions-0-field"),
        ("remove-2", [A, B], "conditions-1-field"),
        # The button keeps the focus, unless the row cannot move further.
        ("up-2", [A, C, B], "up-1"),
        ("down-0", [B, A, C], "down-1"),
        ("up-1", [B, A, C], "down-0"),
        ("down-1", [A, C, B], "up-2"),
        ("up-0", [A, B, C], "down-0"),
        ("down-2", [A, B, C], "up-2"),
        ("up-7", [A, B, C], None),
        ("remove--1", [A, B, C], None),
        ("remove-" + "9" * 5000, [A, B, C], None),
        ("explode-1", [A, B, C], "conditions-1-field"),
        ("", [A, B, C], None),
    ],
)
def test_row_button_keeps_what_was_typed(
    signed_in: Client, action: str, rows: list[Condition], focused: str | None
) -> None:
    response = signed_in.post(reverse("task-conditions"), posted(A, B, C, row_action=action))

    assert response.status_code == 200
    assert [form.typed() for form in response.context["rows"].forms] == rows
    page = response.content.decode()
    assert focused_in(page) == ([focused] if focused else [])


def test_removing_last_row_leaves_blank_one() -> None:
    assert [form.typed() for form in rows_after(posted(A), "remove-0").forms] == [EMPTY]


def test_rows_work_without_script(signed_in: Client, connection: Any) -> None:
    data = posted(A, B, row_action="down-0", name="Half typed", page_size="abc")
    response = signed_in.post(reverse("task-create"), data)

    assert [form.typed() for form in response.context["rows"].forms] == [B, A]
    page = response.content.decode()
    assert 'value="Half typed"' in page
    assert 'value="abc"' in page
    assert "Nothing was saved" not in page


def test_every_input_of_every_row_has_a_label(signed_in: Client) -> None:
    page = signed_in.post(reverse("task-conditions"), posted(A, B)).content.decode()

    inputs = findall(r'<(?:input|select)[^>]* id="(id_conditions-\d+-[^"]*)"', page)
    labels = findall(r'<label[^>]* for="([^"]*)">([^<]*)</label>', page)
    assert [one for one, _ in labels] == inputs
    assert [text for _, text in labels] == ["Field", "Comparison", "Value", "Logic Operator"] * 2
    assert len(findall(r'<input type="hidden" name="conditions-\d+-left"', page)) == 2


def test_known_fields_are_suggested_with_types(signed_in: Client, connection: Any) -> None:
    page = signed_in.get(reverse("task-create")).content.decode()

    assert findall(r'<option value="([^"]*)" label=', page) == list(FIELD_TYPES)
    assert 'value="exportInvoicesFlag" label="Includes invoices: True or False"' in page
    assert 'value="_info/lastUpdated" label="Last updated: date"' in page


@pytest.mark.parametrize(
    ("field", "offered"),
    [
        ("", [one.name for one in COMPARISONS]),
        ("company/id", [one.name for one in COMPARISONS]),
        ("batchIdentifier", [one.name for one in COMPARISONS]),
        ("closedFlag", ["Equal", "In", "NotEqual", "NotIn"]),
        (
            "id",
            [one.name for one in COMPARISONS if "Like" not in one.name and "Con" not in one.name],
        ),
    ],
)
def test_row_offers_comparisons_fitting_its_field(
    signed_in: Client, field: str, offered: list[str]
) -> None:
    page = signed_in.post(reverse("task-conditions"), posted(Condition(field, "", ""))).content
    found = findall(r'<option value="(\w+)">\1</option>', page.decode())
    assert found == [*offered, "And", "Or"]


@pytest.mark.parametrize(("chosen", "field"), [("Contains", "id"), ("Equals", "batchIdentifier")])
def test_unfitting_comparison_stays_and_is_refused(
    signed_in: Client, chosen: str, field: str
) -> None:
    row = Condition(field, chosen, '"1"')
    page = signed_in.post(reverse("task-conditions"), posted(row)).content.decode()

    assert f'<option value="{chosen}" selected>{chosen} (does not fit)</option>' in page
    assert 'id="id_conditions-0-comparison_error"' in page
    [select] = findall(r'<select name="conditions-0-comparison"[^>]*>', page)
    assert 'aria-invalid="true"' in select
    assert 'aria-describedby="id_conditions-0-comparison_error"' in select


def test_placeholder_shows_a_valid_value(signed_in: Client) -> None:
    row = Condition("lastUpdated", "GreaterThan", "", "")
    page = signed_in.post(reverse("task-conditions"), posted(row)).content.decode()
    assert 'placeholder="[2019-10-16T08:31:19Z]"' in page


def test_unknown_field_is_warned_beside_row(signed_in: Client) -> None:
    row = Condition("batchIdentifer", "Equal", '"1"', "")
    page = unescape(signed_in.post(reverse("task-conditions"), posted(row)).content.decode())
    assert "batchIdentifer is not a known field" in page
    assert "Did you mean batchIdentifier?" in page


@pytest.mark.parametrize(
    ("row", "hint"),
    [
        (
            Condition("updatedBy", "Equal", " "),
            "Blank means null: batches without a value.",
        ),
        (Condition("lastUpdated", "NotEqual", ""), "Blank means null: batches with a value."),
        (Condition("updatedBy", "Equal", '"John"'), ""),
        (Condition("updatedBy", "Contains", ""), ""),
        (Condition("", "Equal", ""), ""),
        (EMPTY, ""),
    ],
)
def test_blank_value_is_explained_at_its_row(signed_in: Client, row: Condition, hint: str) -> None:
    page = signed_in.post(reverse("task-condition-check", args=[0]), posted(row)).content.decode()

    assert findall(r"Blank means null[^<]*", page) == ([hint] if hint else [])


def test_filter_is_shown_in_words_and_exactly() -> None:
    rows = posted_rows(posted(A, B))
    assert rows.sent() == 'exportInvoicesFlag = True or batchIdentifier like "2026*"'
    assert rows.in_words() == (
        'batches where exportInvoicesFlag is True or batchIdentifier is like "2026*"'
    )
    assert (posted_rows(posted(C)).sent(), posted_rows(posted(C)).in_words()) == ("", "")


def test_blank_rows_are_no_conditions() -> None:
    rows = posted_rows(posted(A, EMPTY, B, EMPTY))
    assert rows.is_valid()
    assert rows.conditions() == (A, B)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (Condition("", "Equal", "", ""), "field"),
        (Condition("", "", '"x"', ""), "field"),
        (Condition("", "", "", "And"), "field"),
        (Condition("id", "", "1", ""), "comparison"),
    ],
)
def test_a_row_filled_in_part_is_an_error(row: Condition, part: str) -> None:
    rows = posted_rows(posted(row))
    assert not rows.is_valid()
    assert [list(form.errors) for form in rows.forms] == [[part]]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"conditions-TOTAL_FORMS": "-1", "conditions-INITIAL_FORMS": "x"},
        {"conditions-TOTAL_FORMS": "\x00", "conditions-INITIAL_FORMS": "0"},
    ],
)
def test_rows_that_did_not_arrive_whole_are_refused(data: dict[str, str]) -> None:
    rows = posted_rows(data)
    assert not rows.is_valid()
    assert [str(error) for error in rows.non_form_errors()] == [
        "The conditions did not arrive whole. Check them and save again."
    ]


def test_too_many_rows_are_refused() -> None:
    rows = posted_rows(posted(*[A] * 101))
    assert not rows.is_valid()
    assert "at most 100 conditions" in str(rows.non_form_errors())


def test_rows_that_did_not_arrive_are_not_made() -> None:
    for total, sentence in (("9" * 12, "at most 100 conditions"), ("3", "did not arrive whole")):
        rows = posted_rows(posted(A) | {"conditions-TOTAL_FORMS": total})
        assert len(rows.forms) == 1
        assert not rows.is_valid()
        assert sentence in str(rows.non_form_errors())
    assert len(posted_rows(posted(*[A] * 500)).forms) == MAX_ROWS + 10


@pytest.mark.parametrize("field", ["id\n", "\nid", "id\u00a0", "i d", "id\t"])
def test_field_takes_no_line_break(field: str) -> None:
    rows = posted_rows(posted(Condition(field, "Equal", "1", "")))
    assert not rows.is_valid()


def test_blanks_around_field_are_dropped() -> None:
    rows = posted_rows(posted(Condition(" id ", "Equal", "1", "")))
    assert rows.is_valid()
    assert rows.conditions() == (Condition("id", "Equal", "1", ""),)


def test_task_without_conditions_has_blank_row() -> None:
    assert [form.typed() for form in shown_rows().forms] == [EMPTY]


def test_what_is_typed_into_a_row_is_escaped(signed_in: Client) -> None:
    row = Condition("<script>alert(1)</script>", "Equal", '"><img src=x onerror=alert(1)>', "")
    page = signed_in.post(reverse("task-conditions"), posted(row)).content.decode()
    assert "<script>alert(1)" not in page
    assert "<img" not in page


def test_the_rows_answer_to_post_alone(signed_in: Client, client: Client) -> None:
    assert signed_in.get(reverse("task-conditions")).status_code == 405
    assert client.post(reverse("task-conditions")).status_code == 302


# The typed text, the pressed button, and the value afterwards.
@pytest.mark.parametrize(
    ("row", "action", "value"),
    [
        (Condition("updatedBy", "Equal", "John"), "quote-0", '"John"'),
        (Condition("updatedBy", "Equal", 'say "x"'), "quote-0", "'say \"x\"'"),
        (Condition("updatedBy", "In", "John, Ben"), "list-0", '("John", "Ben")'),
        (Condition("batchIdentifier", "Like", "2016"), "stars-0", '"*2016*"'),
        (Condition("batchIdentifier", "NotLike", "'2016'"), "stars-0", "'*2016*'"),
        (Condition("batchIdentifier", "Like", '"2016%"'), "stars-0", '"2016%"'),
        (Condition("id", "NotIn", "(1,2"), "list-0", "(1, 2)"),
        (Condition("closedFlag", "Equal", "x"), "true-0", "True"),
        (Condition("closedFlag", "Equal", ""), "false-0", "False"),
        (Condition("lastUpdated", "GreaterThan", "soon"), "date-0", "[2026-01-31T08:00:00Z]"),
        (
            Condition("lastUpdated", "In", "[2026-01-01]"),
            "date-0",
            "([2026-01-01], [2026-01-31T08:00:00Z])",
        ),
    ],
)
def test_button_writes_value_as_sent(
    signed_in: Client, row: Condition, action: str, value: str
) -> None:
    picked = {"conditions-0-picked_date": "2026-01-31", "conditions-0-picked_time": "08:00"}
    data = posted(row, A, row_action=action) | picked
    response = signed_in.post(reverse("task-conditions"), data)

    written = Condition(row.field, row.comparison, value)
    assert [form.typed() for form in response.context["rows"].forms] == [written, A]
    page = unescape(response.content.decode())
    assert focused_in(page) == ["conditions-0-value"]
    assert f"The value of condition 1 is now {value}" in page


def test_day_alone_becomes_a_date() -> None:
    row = Condition("dateEntered", "GreaterThan", "[2020]")
    day = {"conditions-0-picked_date": "2026-01-31"}
    assert rows_after(posted(row) | day, "date-0").forms[0].typed().value == "[2026-01-31]"

    [form] = rows_after(posted(row), "date-0").forms
    assert form.typed() == row
    assert form.remark == "There is nothing to insert yet: type or pick a value first."


def test_what_cannot_be_quoted_stays_and_says_why(signed_in: Client) -> None:
    row = Condition("updatedBy", "Equal", "'O\"Neil' x")
    response = signed_in.post(reverse("task-conditions"), posted(row, row_action="quote-0"))

    assert [form.typed() for form in response.context["rows"].forms] == [row]
    assert "holds both kinds of quote" in response.content.decode()


def test_row_moved_by_keyboard_keeps_focus(signed_in: Client) -> None:
    data = posted(A, B, C, row_action="up-2", row_focus="value")
    page = signed_in.post(reverse("task-conditions"), data).content.decode()
    assert focused_in(page) == ["conditions-1-value"]


def test_what_a_button_has_done_is_announced(signed_in: Client) -> None:
    errors = [
        rows_after(posted(A, B, C), action).announcement
        for action in ("add", "remove-1", "up-2", "up-0", "explode-0", "")
    ]
    assert errors == [
        "Condition 4 added.",
        "Condition 2 removed, 2 conditions are left.",
        "Condition 3 is now condition 2 of 3.",
        "Condition 1 cannot move further.",
        "",
        "",
    ]
    page = signed_in.post(reverse("task-conditions"), posted(A, row_action="add")).content.decode()
    assert 'hx-swap-oob="innerHTML:#condition-announcement">Condition 2 added.<' in page


def test_row_takes_operator_and_error_along() -> None:
    data = posted(A, C, B) | {"conditions-1-left": "1"}
    moved = rows_after(data, "up-1").forms

    assert [form.typed() for form in moved] == [C, A, B]
    assert [form.shown_error() is not None for form in moved] == [True, False, False]


def check(client: Client, data: dict[str, str], position: int = 0) -> Any:
    return client.post(reverse("task-condition-check", args=[position]), data)


def test_row_is_refused_once_left(signed_in: Client) -> None:
    wrong = posted(A, Condition("batchIdentifier", "Equal", "2019"))
    typing = check(signed_in, wrong, 1).content.decode()
    left = check(signed_in, wrong | {"conditions-1-left": "1"}, 1).content.decode()

    assert "field-error" not in typing
    assert 'id="id_conditions-1-value_error"' in left
    assert "but batchIdentifier holds text" in left


def test_changed_field_brings_comparisons_and_help(signed_in: Client) -> None:
    row = Condition("lastUpdated", "GreaterThan", "")
    page = unescape(check(signed_in, posted(row)).content.decode())

    assert 'data-example="[2019-10-16T08:31:19Z]"' in page
    assert 'data-hint="Last updated: date"' in page
    assert findall(r'<option value="(\w*)">', page) == [
        "",
        *fitting_comparisons(FieldType.DATETIME),
    ]
    assert findall(r'value="(\w+)-0"', page) == ["date"]
    assert "<input" not in page.split("<template")[0]


@pytest.mark.parametrize(
    ("row", "helps"),
    [
        (EMPTY, ["quote", "true", "false", "date"]),
        (Condition("batchIdentifier", "Like", ""), ["quote"]),
        (Condition("batchIdentifier", "In", ""), ["list"]),
        (Condition("closedFlag", "Equal", ""), ["true", "false"]),
        (Condition("id", "Equal", ""), []),
        (Condition("lastUpdated", "NotIn", ""), ["list", "date"]),
    ],
)
def test_a_row_offers_the_help_that_fits(
    signed_in: Client, row: Condition, helps: list[str]
) -> None:
    page = check(signed_in, posted(row)).content.decode()
    assert findall(r'value="(\w+)-0"', page) == helps


def test_rows_that_are_being_replaced_are_not_judged(signed_in: Client) -> None:
    assert check(signed_in, posted(A), 1).status_code == 204
    assert check(signed_in, {}).status_code == 204
    assert signed_in.post(reverse("task-description"), {}).status_code == 204


@pytest.mark.rule("F7")
def test_like_without_star_is_told_at_its_row(signed_in: Client) -> None:
    like = Condition("batchIdentifier", "Like", '"2016"')
    address = reverse("task-condition-check", args=[0])
    page = unescape(signed_in.post(address, posted(like)).content.decode())
    assert (
        'Like without * compares the whole text: this finds only what is exactly "2016". For '
        'everything that contains it, write "*2016*".'
    ) in page
    assert 'value="stars-0"' in page
    assert 'Search for "*2016*"' in page

    for fine in (
        Condition("batchIdentifier", "Like", '"2016*"'),
        Condition("batchIdentifier", "Contains", '"2016"'),
        Condition("batchIdentifier", "Like", "2016"),
        Condition("batchIdentifier", "Like", '""'),
    ):
        assert "without *" not in signed_in.post(address, posted(fine)).content.decode()


@pytest.mark.rule("F7")
def test_every_like_gets_stars_at_once() -> None:
    rows = [Condition("a", "Like", '"x"', "Or"), A, Condition("a", "NotLike", '"y"')]
    shown = rows_after(posted(*rows), "stars-all").forms
    assert [form.typed().value for form in shown] == ['"*x*"', A.value, '"y"']
