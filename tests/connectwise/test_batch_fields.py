import pytest

from exports.connectwise import batch_fields


@pytest.mark.rule("X2")
def test_document_begins_with_the_fields_of_the_manual() -> None:
    assert (batch_fields.ROOT, batch_fields.ELEMENT) == ("Batches", "Batch")
    assert batch_fields.INFO_MEMBERS[:4] == ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
    assert [name for name, _ in batch_fields.ELEMENTS][:4] == [
        "batchIdentifier",
        "exportInvoicesFlag",
        "exportExpensesFlag",
        "exportProductsFlag",
    ]


def test_every_element_but_external_id_is_filterable() -> None:
    info = {f"_info/{member}" for member in batch_fields.INFO_MEMBERS}
    written = {"id", *dict(batch_fields.ELEMENTS), *info}
    assert written <= set(batch_fields.FIELD_TYPES)
    assert batch_fields.EXTERNAL_ID not in batch_fields.FIELD_TYPES


def test_info_member_has_one_type_everywhere() -> None:
    for member in batch_fields.INFO_MEMBERS:
        assert batch_fields.FIELD_TYPES[member] is batch_fields.FIELD_TYPES[f"_info/{member}"]


def test_element_and_filter_agree_on_type() -> None:
    for name, field_type in batch_fields.ELEMENTS:
        assert batch_fields.FIELD_TYPES[name] is field_type


def test_batches_have_no_references() -> None:
    assert batch_fields.REFERENCES == ()
    assert batch_fields.NO_REFERENCES == (
        "This task does not return any references that can be fetched"
    )
