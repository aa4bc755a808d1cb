"""Records become the promised documents (X1 to X5), compared as a whole."""

import io
import json

import pytest

from exports.connectwise.json_numbers import JSONShapeError
from exports.connectwise.xml.writer import BatchWriter, RecordError

from .documents import (
    KNOWN_COUNT,
    SAMPLE_RECORD,
    Element,
    decoded_name,
    expected_document,
    fields_of_only_batch,
    parsed_by_both,
    written,
    written_records,
)


@pytest.mark.rule("X1")
def test_sample_record_gives_sample_document_exactly() -> None:
    document = written(json.dumps([SAMPLE_RECORD]))

    assert document == expected_document("sample")


def test_links_and_extra_fields_are_omitted() -> None:
    record = {
        **SAMPLE_RECORD,
        "closedFlag": True,
        "new": {"a": [1]},
        "_info": {**SAMPLE_RECORD["_info"], "batch_href": "https://cw.example.com/1"},  # type: ignore[dict-item]
    }

    assert written(json.dumps([record])) == expected_document("sample")


@pytest.mark.rule("X1")
def test_no_records_give_a_root_without_children() -> None:
    document = written("[]")

    assert document == expected_document("empty")
    assert parsed_by_both(document).children == []


@pytest.mark.rule("X2")
def test_empty_fields_are_written_by_type() -> None:
    body = """[
        {"id": 1},
        {"id": 2, "batchIdentifier": null, "exportExpensesFlag": "True", "_info": null,
         "exportProductsFlag": null},
        {"id": 3, "batchIdentifier": "", "exportInvoicesFlag": true, "exportExpensesFlag": false,
         "_info": {"batch_href": "https://cw.example.com/3", "updatedBy": null}},
        {"exportProductsFlag": true, "exportInvoicesFlag": true, "exportExpensesFlag": false,
         "_info": {"updatedBy": "", "lastUpdated": "5/1/2014 5:21:58 AM",
                   "enteredBy": "Admin1", "dateEntered": "2019-10-15T17:25:25.1234567Z"},
         "batchIdentifier": 7.50, "id": 4}
    ]"""

    document = written(body)

    assert document == expected_document("missing_and_null")
    parsed_by_both(document)


@pytest.mark.rule("X3")
def test_extra_fields_follow_nested_closed_flag_first() -> None:
    body = """[{
        "total": 1000.000000,
        "id": 284,
        "location": {"id": 2, "name": "Tampa Office", "parent": null, "tags": {}},
        "lines": [-0, [1E5, null], {"amount": 9007199254740993}],
        "exportInvoicesFlag": false, "exportExpensesFlag": true, "exportProductsFlag": false,
        "nothing": null, "nothings": [null], "emptyText": "", "emptyList": [],
        "batchIdentifier": "20191015172525",
        "_info": {"batch_href": "https://cw.example.com/batches/284?a=1&b=2",
                  "lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "Admin1"},
        "externalId": "sent by the API",
        "closedFlag": true,
        "Batch": {"id": 9}
    }]"""

    document = written(body, extra=True)

    assert document == expected_document("extra_fields")
    parsed_by_both(document)


def test_awkward_text_and_names_read_back() -> None:
    record = {
        "id": 1,
        "batchIdentifier": "  outer blanks and\ta tab\na line\r\nanother \r end \x00\ud800 😀  ",
        "exportInvoicesFlag": True,
        "_info": {"updatedBy": "<script>alert(\"1\")</script> & 'Zoë' ]]>", "a:b": "1"},
        "1st": 1,
        "a b": 2,
        "a:b": 3,
        "": 4,
        "@odata.type": 5,
        "x>y": 6,
        "_x0041_": 7,
        "größe": 8,
        "😀": 9,
        "xml": 10,
        "xmlns": 11,
    }

    document = written(json.dumps([record]), extra=True)

    assert document == expected_document("awkward")
    (batch,) = parsed_by_both(document).children
    assert [decoded_name(field.tag) for field in batch.children[KNOWN_COUNT:]] == list(record)[4:]


@pytest.mark.rule("X5")
def test_replaced_characters_are_reported_with_batch_and_field() -> None:
    reported: list[tuple[int, str]] = []
    record = {
        "id": 7,
        "batchIdentifier": "a\x0bb",
        "_info": {"updatedBy": "\ufffe", "lastUpdated": "a\ufffdb & <c>\r"},
        "lines": [{"note": "fine"}, {"note \ud800": "\x01 \x02"}],
    }
    stream = io.BytesIO()

    with BatchWriter(
        stream,
        include_extra_fields=True,
        on_replaced=lambda batch_id, path: reported.append((batch_id, path)),
    ) as writer:
        writer.write(record)

    assert reported == [
        (7, "_info/updatedBy"),
        (7, "batchIdentifier"),
        (7, "lines/item/note_x0020__xD800_"),
    ]


def test_five_thousand_digits_are_all_kept() -> None:
    digits = "1234567890" * 500

    fields = fields_of_only_batch(
        written(
            f'[{{"id": 1, "batchIdentifier": {digits}, "big": -{digits}.{digits}}}]', extra=True
        )
    )

    assert fields["batchIdentifier"].text == digits
    assert fields["big"].text == f"-{digits}.{digits}"


@pytest.mark.parametrize("number", ["1000.000000", "-0", "1E5", "9007199254740993", "0.10e-400"])
@pytest.mark.rule("X4")
def test_a_number_keeps_the_text_the_api_sent(number: str) -> None:
    fields = fields_of_only_batch(
        written(f'[{{"id": 1, "batchIdentifier": {number}, "n": {number}}}]', extra=True)
    )

    assert (fields["batchIdentifier"].text, fields["n"].text) == (number, number)


def test_a_text_of_eleven_megabytes_survives() -> None:
    text = "é" * 5_500_000

    assert fields_of_only_batch(written_records([{"id": 1, "batchIdentifier": text}]))[
        "batchIdentifier"
    ] == Element("batchIdentifier", False, text, [])


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        (
            {"batchIdentifier": {"a": 1}},
            "Batch 5: batchIdentifier should be text, but ConnectWise sent an object.",
        ),
        (
            {"batchIdentifier": ["a"]},
            "Batch 5: batchIdentifier should be text, but ConnectWise sent a list.",
        ),
        (
            {"exportInvoicesFlag": "yes"},
            "Batch 5: exportInvoicesFlag should be true, false or null, but ConnectWise sent "
            "the text 'yes'.",
        ),
        (
            {"exportProductsFlag": 1},
            "Batch 5: exportProductsFlag should be true, false or null, but ConnectWise sent "
            "the number 1.",
        ),
        ({"_info": "x"}, "Batch 5: _info should be an object, but ConnectWise sent the text 'x'."),
        ({"_info": []}, "Batch 5: _info should be an object, but ConnectWise sent a list."),
        (
            {"_info": {"updatedBy": {}}},
            "Batch 5: _info/updatedBy should be text, but ConnectWise sent an object.",
        ),
    ],
)
def test_known_field_of_wrong_type_is_refused(field: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecordError) as refused:
        written(json.dumps([{"id": 5, **field}]))

    assert str(refused.value) == (
        f"{sentence} Correct the batch in ConnectWise, or leave it out with the condition "
        "id NotEqual 5."
    )


def test_a_refused_record_leaves_nothing_in_the_document() -> None:
    stream = io.BytesIO()

    with BatchWriter(stream, include_extra_fields=False) as writer:
        with pytest.raises(RecordError):
            writer.write({"id": 1, "batchIdentifier": []})
        with pytest.raises(JSONShapeError):
            writer.write({"batchIdentifier": "x"})
        writer.write(SAMPLE_RECORD)

    assert (stream.getvalue().decode(), writer.written_count) == (expected_document("sample"), 1)


def test_exception_leaves_the_root_open() -> None:
    stream = io.BytesIO()

    def write_one_and_fail() -> None:
        with BatchWriter(stream, include_extra_fields=False) as writer:
            writer.write(SAMPLE_RECORD)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        write_one_and_fail()

    assert stream.getvalue().decode() == expected_document("sample").removesuffix("</Batches>\n")


def test_a_resumed_document_equals_an_uninterrupted_one() -> None:
    records = [{**SAMPLE_RECORD, "id": number} for number in (1, 2, 3)]
    stream = io.BytesIO()

    first = BatchWriter(stream, include_extra_fields=False)
    first.write(records[0])
    with BatchWriter(
        stream, include_extra_fields=False, written_count=first.written_count
    ) as second:
        second.write(records[1])
        second.write(records[2])

    assert stream.getvalue().decode() == written_records(records)
    assert second.written_count == 3
