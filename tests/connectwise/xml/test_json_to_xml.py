"""Whatever JSON the API may send, two parsers read the same values back (X3 to X5)."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.batch_fields import ELEMENTS, INFO_MEMBERS

from .documents import KNOWN_COUNT, Element, decoded_name, parsed_by_both, written

# Every character, including lone surrogates, and extra awkward ones.
_awkward = st.sampled_from([*"&<>\"'\r\n\t _:-.x0041]", "\x00", "\x85", "\ufffe", "\ud83d", "😀"])
_text = st.text(st.characters(exclude_categories=()) | _awkward, max_size=12)
_NAMED = {"id", "_info", "closedFlag", *INFO_MEMBERS, *(name for name, _ in ELEMENTS)}
_other_names = _text.filter(lambda name: name not in _NAMED)
_numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(
    identifier=_text,
    extra=st.dictionaries(_other_names, _json, max_size=4),
    links=st.dictionaries(_other_names, _json, max_size=2),
)
def test_any_json_reads_back_from_the_document(
    identifier: str, extra: dict[str, Any], links: dict[str, Any]
) -> None:
    body = json.dumps([{"id": 1, "batchIdentifier": identifier, "_info": links, **extra}])

    (batch,) = parsed_by_both(written(body, extra=True)).children

    # Compare with the plain decoder's reading, as it joins escaped pairs of surrogates.
    sent = json.loads(body, parse_int=str, parse_float=str)[0]
    extra_names = list(sent)[3:]
    assert _as_sent(batch.children[2]) == _element("_info", sent["_info"])
    assert _as_sent(batch.children[3]) == _element("batchIdentifier", sent["batchIdentifier"])
    assert [_as_sent(field) for field in batch.children[KNOWN_COUNT:]] == [
        _element(name, sent[name]) for name in extra_names
    ]


def _element(name: str, value: Any) -> Element:
    """The element that a JSON value must become, names not yet encoded."""
    if isinstance(value, dict):
        return Element(name, False, "", [_element(key, value[key]) for key in value])
    if isinstance(value, list):
        return Element(name, False, "", [_element("item", item) for item in value])
    if value is None or isinstance(value, bool):
        return Element(name, value is None, {None: "", True: "true", False: "false"}[value], [])
    return Element(name, False, "".join(map(_as_xml_allows, value)), [])


def _as_xml_allows(character: str) -> str:
    code = ord(character)
    is_allowed = (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
    return character if is_allowed else "\ufffd"


def _as_sent(element: Element) -> Element:
    children = [_as_sent(child) for child in element.children]
    return element._replace(tag=decoded_name(element.tag), children=children)
