"""Helpers of the XML tests: JSON to a document, and a document read by two parsers."""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from exports.connectwise.batch_fields import ELEMENTS
from exports.connectwise.json_numbers import decode_json
from exports.connectwise.xml.schema import schema
from exports.connectwise.xml.writer import XSI, BatchWriter

# The elements of a batch before its extra fields: id, externalId, _info and the others.
KNOWN_COUNT = 3 + len(ELEMENTS)
SAMPLE_RECORD = {
    "id": 284,
    "batchIdentifier": "20191015172525",
    "exportInvoicesFlag": False,
    "exportExpensesFlag": True,
    "exportProductsFlag": False,
    "_info": {"lastUpdated": "2019-10-16T08:31:19Z", "updatedBy": "Admin1"},
}


class Element(NamedTuple):
    """An element as a parser read it; `text` only if it has no children."""

    tag: str
    is_nil: bool
    text: str
    children: list["Element"]


def expected_document(name: str) -> str:
    return (Path(__file__).parent / "expected" / f"{name}.xml").read_bytes().decode()


def written(body: str | bytes, *, extra: bool = False) -> str:
    """The document for a JSON list of records, as the API would send it."""
    raw = body.encode() if isinstance(body, str) else body
    records: Any = decode_json(raw)
    return written_records(records, extra=extra)


def written_records(records: Iterable[Any], *, extra: bool = False) -> str:
    stream = io.BytesIO()
    with BatchWriter(stream, include_extra_fields=extra) as writer:
        for record in records:
            writer.write(record)
    return stream.getvalue().decode()


def parsed_by_both(document: str) -> Element:
    """The document read by expat and libxml2, which must agree and match the schema."""
    raw = document.encode()
    parser = etree.XMLParser(huge_tree=True)
    by_libxml2 = etree.fromstring(raw, parser)
    etree.XMLSchema(etree.fromstring(schema())).assertValid(by_libxml2)
    by_expat = _plain(ElementTree.fromstring(raw))
    assert _plain(by_libxml2) == by_expat
    return by_expat


def fields_of_only_batch(document: str) -> dict[str, Element]:
    (batch,) = parsed_by_both(document).children
    return {field.tag: field for field in batch.children}


def decoded_name(tag: str) -> str:
    """The reverse of the element names, written without using the product's code."""
    if tag == "_x_":
        return ""
    escape = r"_[Xx]([0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})_"
    return re.sub(escape, lambda match: chr(int(match[1], 16)), tag)


def _plain(element: Any) -> Element:
    children = [_plain(child) for child in element]
    is_nil = element.get(f"{{{XSI}}}nil") == "true"
    return Element(element.tag, is_nil, "" if children else element.text or "", children)
