"""Bodies become records whose numbers keep their text; other bodies are refused (H5, X4)."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from exports.connectwise.json_numbers import JSONShapeError, NumberText, decode_json, record_id

_LARGEST_ID = 2**63 - 1


@pytest.mark.parametrize(
    "number", ["1000.000000", "-0", "1E5", "0.10e-400", "9007199254740993", "7" * 5000]
)
def test_a_number_keeps_the_text_that_was_sent(number: str) -> None:
    decoded: Any = decode_json(f'{{"n": [{number}]}}'.encode())

    assert decoded == {"n": [number]}
    assert type(decoded["n"][0]) is NumberText


def test_numbers_can_be_told_from_text() -> None:
    decoded: Any = decode_json(b'[12, "12", true, null]')

    assert [type(value) for value in decoded] == [NumberText, str, bool, type(None)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_unicode_encoding_is_read(encoding: str) -> None:
    assert decode_json('{"name": "Zoë 😀"}'.encode(encoding)) == {"name": "Zoë 😀"}


def test_surrogates_are_joined_only_in_pairs() -> None:
    assert decode_json(rb'["\ud83d\ude00", "\ud83d", "\ude00\ud83d"]') == [
        "😀",
        "\ud83d",
        "\ude00\ud83d",
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The answer is not JSON: Expecting value (line 1, column 1)."),
        (b"<html>Sign in</html>", "The answer is not JSON: Expecting value (line 1, column 1)."),
        (b'[{"id": 1}', "The answer is not JSON: Expecting ',' delimiter (line 1, column 11)."),
        (b"[1] [2]", "The answer is not JSON: Extra data (line 1, column 5)."),
        (b'["a\x00b"]', "The answer is not JSON: Invalid control character at (line 1, column 4)."),
        (b'["\xff"]', "The answer is not JSON: byte 2 does not fit its encoding, utf-8."),
        (b'["\xed\xa0\x80"]', "The answer is not JSON: byte 2 does not fit its encoding, utf-8."),
        (b"[NaN]", "The answer holds NaN, which JSON does not know as a number."),
        (b"[Infinity]", "The answer holds Infinity, which JSON does not know as a number."),
        (b"[-Infinity]", "The answer holds -Infinity, which JSON does not know as a number."),
    ],
)
def test_invalid_json_is_refused_with_the_place(body: bytes, sentence: str) -> None:
    with pytest.raises(JSONShapeError) as refused:
        decode_json(body)

    assert str(refused.value).startswith(f"{sentence} ")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [101, 900, 5000, 200_000])
def test_absurd_nesting_is_refused_and_survived(opening: str, closing: str, depth: int) -> None:
    body = opening * depth + "1" + closing * depth

    with pytest.raises(JSONShapeError, match="more than 100 levels"):
        decode_json(body.encode())


def test_nesting_up_to_the_limit_is_read() -> None:
    body = "[" * 100 + "]" * 100

    assert json.dumps(decode_json(body.encode())) == body


@pytest.mark.parametrize(
    ("body", "number"),
    [('{"id": 284}', 284), ('{"id": 0}', 0), (f'{{"id": {_LARGEST_ID}}}', _LARGEST_ID)],
)
def test_a_record_has_an_integer_id(body: str, number: int) -> None:
    assert record_id(decode_json(body.encode())) == number


def test_record_made_in_python_has_integer_id() -> None:
    assert record_id(MappingProxyType({"id": 284})) == 284


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("null", "sent null where a record"),
        ("[]", "sent a list where a record"),
        ('"x"', "sent the text 'x' where a record"),
        ("{}", "sent a record with no id,"),
        ('{"id": null}', "sent a record with no id,"),
        ('{"id": "12"}', "sent a record with the text '12' as its id,"),
        ('{"id": true}', "sent a record with true as its id,"),
        ('{"id": 12.0}', "sent a record with the number 12.0 as its id,"),
        ('{"id": 1E5}', "sent a record with the number 1E5 as its id,"),
        ('{"id": {}}', "sent a record with an object as its id,"),
        (f'{{"id": {_LARGEST_ID + 1}}}', f"with the number {_LARGEST_ID + 1} as its id,"),
        (f'{{"id": {"9" * 5000}}}', f"with the number {'9' * 40}… as its id,"),
    ],
)
def test_a_record_without_an_integer_id_is_refused(body: str, found: str) -> None:
    with pytest.raises(JSONShapeError) as refused:
        record_id(decode_json(body.encode()))

    assert found in str(refused.value)
