"""The rows of the condition editor: added, removed and moved on the server (no script needed)."""

from html import unescape
from re import findall
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.connectwise.batches import FIELD_KINDS
from exports.connectwise.conditions import COMPARISONS, Condition
from exports.forms.conditions import posted_rows, rows_after, shown_rows
from tests.views.form_data import row_data

A = Condition("exportInvoicesFlag", "Equal", "True", "Or")
B = Condition("batchIdentifier", "Like", '"2026*"', "And")
C = Condition("id", "In", "(1,2", "")
EMPTY = Condition("", "", "", "")


def posted(*rows: Condition, **fields: str) -> dict[str, str]:
    return row_data(*rows) | fields


@pytest.mark.parametrize(
    ("action", "rows", "focused"),
    [
        ("add", [A, B, C, EMPTY], "conditions-3-comparison"),
        ("remove-0", [B, C], "conditions-0-field"),
        ("remove-2", [A, B], "conditions-1-field"),
        ("up-2", [A, C, B], "conditions-1-field"),
        ("down-0", [B, A, C], "conditions-1-field"),
        ("up-0", [A, B, C], "conditions-0-field"),
        ("down-2", [A, B, C], "conditions-2-field"),
        ("up-7", [A, B, C], None),
        ("remove--1", [A, B, C], None),
        ("remove-" + "9" * 5000, [A, B, C], None),
        ("explode-1", [A, B, C], "conditions-1-field"),
        ("", [A, B, C], None),
    ],
)
def test_a_row_button_changes_the_rows_and_keeps_what_was_typed(
    signed_in: Client, action: str, rows: list[Condition], focused: str | None
) -> None:
    response = signed_in.post(reverse("task-conditions"), posted(A, B, C, row_action=action))

    assert response.status_code == 200
    assert [form.typed() for form in response.context["rows"].forms] == rows
    page = response.content.decode()
    inputs = [tag for tag in findall(r"<(?:input|select)[^>]*>", page) if "autofocus" in tag]
    assert [findall(r'name="([^"]*)"', tag) for tag in inputs] == ([[focused]] if focused else [])


def test_the_last_row_that_is_removed_leaves_a_blank_one() -> None:
    assert [form.typed() for form in rows_after(posted(A), "remove-0").forms] == [EMPTY]


def test_the_rows_work_without_script_through_the_form_itself(
    signed_in: Client, connection: Any
) -> None:
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


def test_known_fields_are_suggested_and_comparisons_are_spelled_as_specified(
    signed_in: Client,
) -> None:
    page = signed_in.post(reverse("task-conditions"), posted(EMPTY)).content.decode()

    assert findall(r'<option value="([^"]*)" label=', page) == list(FIELD_KINDS)
    assert 'value="exportInvoicesFlag" label="a True/False value"' in page
    offered = findall(r'<option value="(\w+)">\1</option>', page)
    assert offered == [*(one.name for one in COMPARISONS), "And", "Or"]


def test_the_placeholder_shows_a_right_value_for_the_field(signed_in: Client) -> None:
    row = Condition("lastUpdated", "GreaterThan", "", "")
    page = signed_in.post(reverse("task-conditions"), posted(row)).content.decode()
    assert 'placeholder="[2019-10-16T08:31:19Z]"' in page


def test_an_unknown_field_is_warned_about_beside_its_row(signed_in: Client) -> None:
    row = Condition("batchIdentifer", "Equal", '"1"', "")
    page = unescape(signed_in.post(reverse("task-conditions"), posted(row)).content.decode())
    assert "batchIdentifer is not a known field" in page
    assert "Did you mean batchIdentifier?" in page


def test_the_filter_is_shown_in_words_and_as_it_is_sent() -> None:
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


def test_more_rows_than_a_task_takes_are_refused_in_words() -> None:
    rows = posted_rows(posted(*[A] * 101))
    assert not rows.is_valid()
    assert "at most 100 conditions" in str(rows.non_form_errors())
    assert len(posted_rows(posted(A) | {"conditions-TOTAL_FORMS": "9" * 12}).forms) == 200


def test_a_task_without_conditions_begins_with_a_blank_row() -> None:
    assert [form.typed() for form in shown_rows().forms] == [EMPTY]


def test_what_is_typed_into_a_row_is_escaped(signed_in: Client) -> None:
    row = Condition("<script>alert(1)</script>", "Equal", '"><img src=x onerror=alert(1)>', "")
    page = signed_in.post(reverse("task-conditions"), posted(row)).content.decode()
    assert "<script>alert(1)" not in page
    assert "<img" not in page


def test_the_rows_answer_to_post_alone(signed_in: Client, client: Client) -> None:
    assert signed_in.get(reverse("task-conditions")).status_code == 405
    assert client.post(reverse("task-conditions")).status_code == 302
