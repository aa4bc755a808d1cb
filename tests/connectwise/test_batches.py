import pytest

from exports.connectwise import batches


@pytest.mark.rule("X2")
def test_document_begins_with_the_fields_of_the_manual() -> None:
    assert (batches.ROOT, batches.ELEMENT) == ("Batches", "Batch")
    assert batches.INFO_MEMBERS[:4] == ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
    assert [name for name, _ in batches.ELEMENTS][:4] == [
        "batchIdentifier",
        "exportInvoicesFlag",
        "exportExpensesFlag",
        "exportProductsFlag",
    ]


def test_every_element_but_external_id_is_filterable() -> None:
    info = {f"_info/{member}" for member in batches.INFO_MEMBERS}
    written = {"id", *dict(batches.ELEMENTS), *info}
    assert written <= set(batches.FIELD_TYPES)
    assert batches.EXTERNAL_ID not in batches.FIELD_TYPES


def test_info_member_has_one_type_everywhere() -> None:
    for member in batches.INFO_MEMBERS:
        assert batches.FIELD_TYPES[member] is batches.FIELD_TYPES[f"_info/{member}"]


def test_element_and_filter_agree_on_type() -> None:
    for name, field_type in batches.ELEMENTS:
        assert batches.FIELD_TYPES[name] is field_type


def test_batches_have_no_references() -> None:
    assert batches.REFERENCES == ()
    assert batches.NO_REFERENCES == ("This task does not return any references that can be fetched")
