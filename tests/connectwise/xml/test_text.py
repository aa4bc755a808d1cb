"""Every character XML forbids or changes, and names that must be readable again (X4, X5)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.xml.text import element_name, escape_text, loses_characters

from .documents import decoded_name, fields_of_only_batch, written

_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
_OTHERS = ["\ufffe", "\uffff", "\ud800", "\udbff", "\udc00", "\udfff", "\ufffd", "\ue000", "😀"]
_FORBIDDEN = {
    *(character for character in _CONTROLS if character < " " and character not in "\t\n\r"),
    *_OTHERS[:6],
}


@pytest.mark.parametrize("character", [*_CONTROLS, *_OTHERS], ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.rule("X5")
def test_a_character_is_kept_or_becomes_the_replacement(character: str) -> None:
    text = f" a{character}b{character}"

    field = fields_of_only_batch(written(json.dumps([{"id": 1, "batchIdentifier": text}])))

    kept = "\ufffd" if character in _FORBIDDEN else character
    assert field["batchIdentifier"].text == f" a{kept}b{kept}"
    assert loses_characters(text) == (character in _FORBIDDEN)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("a\r\nb\rc\n\td", "a&#13;\nb&#13;c\n\td"),
        ("]]>", "]]&gt;"),
        ("<&>\"'", "&lt;&amp;&gt;\"'"),
        ("&amp;", "&amp;amp;"),
        ("\x7f\x85\x9f", "\x7f\x85\x9f"),
        ("\ud83d\ude00 \x00", "\ufffd\ufffd \ufffd"),
    ],
)
def test_text_is_escaped_only_where_needed(text: str, escaped: str) -> None:
    assert escape_text(text) == escaped


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("closedFlag", "closedFlag"),
        ("_info", "_info"),
        ("a-b.c_1", "a-b.c_1"),
        ("größe", "größe"),
        ("1st", "_x0031_st"),
        ("-a", "_x002D_a"),
        ("a b", "a_x0020_b"),
        ("a:b", "a_x003A_b"),
        ("@odata.type", "_x0040_odata.type"),
        ("x>y", "x_x003E_y"),
        ("", "_x_"),
        ("_x_", "_x005F_x_"),
        ("_x0041_", "_x005F_x0041_"),
        ("_x0041", "_x0041"),
        ("_x0041 ", "_x005F_x0041_x0020_"),
        ("a\x00", "a_x0000_"),
        ("\ud800", "_xD800_"),
        ("😀", "_x0001F600_"),
        # Allowed only by the fifth edition of XML 1.0; expat and .NET follow the fourth.
        ("a\u0132", "a_x0132_"),
    ],
)
@pytest.mark.rule("X5")
def test_forbidden_name_is_escaped_by_character(name: str, element: str) -> None:
    assert element_name(name) == element
    assert decoded_name(element) == name


def test_a_name_of_a_hundred_thousand_characters_survives() -> None:
    name = "n " * 50_000

    fields = fields_of_only_batch(written(json.dumps([{"id": 1, name: "x"}]), extra=True))

    assert list(fields)[-1] == "n_x0020_" * 50_000


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("_xX0041 "), max_size=24))
def test_any_name_reads_back_from_its_element(name: str) -> None:
    assert decoded_name(element_name(name)) == name
