import pytest

from exports.connectwise import batches
from exports.connectwise.batches import Kind


@pytest.mark.rule("X2")
def test_document_matches_the_sample_of_the_manual() -> None:
    assert (batches.ROOT, batches.ELEMENT) == ("Batches", "Batch")
    assert batches.INFO_MEMBERS == ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
    assert [name for name, _ in batches.ELEMENTS] == [
        "batchIdentifier",
        "exportInvoicesFlag",
        "exportExpensesFlag",
        "exportProductsFlag",
    ]


def test_every_element_but_external_id_is_filterable() -> None:
    info = {f"_info/{member}" for member in batches.INFO_MEMBERS}
    written = {"id", *dict(batches.ELEMENTS), *info}
    assert written <= set(batches.FIELD_KINDS)
    assert batches.EXTERNAL_ID not in batches.FIELD_KINDS


def test_info_member_has_one_type_everywhere() -> None:
    for member in batches.INFO_MEMBERS:
        assert batches.FIELD_KINDS[member] is batches.FIELD_KINDS[f"_info/{member}"]


def test_element_and_filter_agree_on_type() -> None:
    assert {name: batches.FIELD_KINDS[name] for name, _ in batches.ELEMENTS} == {
        "batchIdentifier": Kind.TEXT,
        "exportInvoicesFlag": Kind.FLAG,
        "exportExpensesFlag": Kind.FLAG,
        "exportProductsFlag": Kind.FLAG,
    }


def test_batches_have_no_references() -> None:
    assert batches.REFERENCES == ()
    assert batches.NO_REFERENCES == ("This task does not return any references that can be fetched")
