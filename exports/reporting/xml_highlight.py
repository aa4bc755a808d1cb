"""Highlights the XML of a file on a page; the colours are in static/exports/xml.css."""

import re
from collections.abc import Iterator
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# No pattern reaches beyond the next `<`, and possessive repetitions never backtrack, so the time
# is proportional to the length of any text.
_NAME: Final = r"""[^\s<>/?!="'&]++"""
_VALUE: Final = r""""[^"<]*+"|'[^'<]*+'"""
_ATTRIBUTE: Final = re.compile(rf"(\s++)({_NAME})(\s*+=\s*+)({_VALUE})")
_TOKEN: Final = re.compile(
    rf"(?P<declaration><\?{_NAME}[^<>]*+>)"
    rf"|(?P<begin></?{_NAME})(?P<attributes>(?:{_ATTRIBUTE.pattern})*+)(?P<end>\s*+/?>)"
    r"|(?P<text>[^<]++|<)"
)


def highlight_xml(text: str) -> SafeString:
    """`text` for a `<pre>`: every character of it, escaped, within spans of these classes.

    `xml-tag`, `xml-attribute`, `xml-value`, `xml-text` and `xml-declaration`. What is no tag is
    text, so a beginning that was cut anywhere, or no XML at all, comes out whole as well.
    """
    return mark_safe("".join(_pieces(text)))  # noqa: S308 - every piece went through escape


def _pieces(text: str) -> Iterator[str]:
    for token in _TOKEN.finditer(text):
        if token["begin"] and not token["attributes"]:
            yield _span("tag", token["begin"] + token["end"])
        elif token["begin"]:
            yield _span("tag", token["begin"])
            for blank, name, equals, value in _ATTRIBUTE.findall(token["attributes"]):
                yield blank + _span("attribute", name) + equals + _span("value", value)
            yield _span("tag", token["end"])
        elif token["declaration"]:
            yield _span("declaration", token["declaration"])
        elif token["text"].isspace():
            yield token["text"]
        else:
            yield _span("text", token["text"])


def _span(kind: str, text: str) -> str:
    return f'<span class="xml-{kind}">{escape(text)}</span>'
