"""XML on a page: highlighted where it is XML, complete and escaped whatever it is."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.reporting.xml_highlight import highlight_xml
from tests.connectwise.xml.documents import expected_document

PIECES = (
    "<",
    ">",
    "</",
    "/>",
    "<?",
    "?>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&lt;",
    "&amp;",
    "&#60;",
    "&",
    '"',
    "'",
    "=",
    " ",
    "\n",
    "script",
    "<script>alert(1)</script>",
    "</span>",
    "</pre>",
    '<a href="',
    "<img src=x onerror=alert(1)>",
    'xsi:nil="true"',
    "\0",
    "\N{REPLACEMENT CHARACTER}",
    "\ud800",
    "Größe",
)


class Markup(HTMLParser):
    """How a browser would read it: the elements with their classes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.ended: list[str] = []
        self.others: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.ended.append(tag)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def text_of(highlighted: str) -> str:
    """The text of the page, without our own spans."""
    return html.unescape(re.sub(r'</span>|<span class="xml-[a-z]+">', "", highlighted))


KINDS = {"tag", "attribute", "value", "text", "declaration"}


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
@example("<" * 50)
@example('<a b="<i>">')
@example("<a b='\">' c=\"'><script>alert(1)</script>\">")
def test_any_text_gains_only_our_markup(text: str) -> None:
    highlighted = highlight_xml(text)
    markup = Markup(highlighted)
    assert {tag for tag, _ in markup.elements} <= {"span"}
    assert all(
        attributes in [[("class", f"xml-{kind}")] for kind in KINDS]
        for _, attributes in markup.elements
    )
    assert markup.ended == ["span"] * len(markup.elements)
    assert markup.others == []
    # Not compared by unescape: text that was already escaped must be escaped once more.
    assert re.sub(r'</span>|<span class="xml-[a-z]+">', "", highlighted) == html.escape(text)


def test_the_sample_document_comes_out_whole() -> None:
    sample = expected_document("sample")
    assert text_of(highlight_xml(sample)) == sample


def test_tags_attributes_and_text_have_classes() -> None:
    text = '<Batches xmlns:xsi="u">\n  <id>284</id>\n  <x xsi:nil="true" />\n'
    assert highlight_xml(text) == (
        '<span class="xml-tag">&lt;Batches</span> <span class="xml-attribute">xmlns:xsi</span>='
        '<span class="xml-value">&quot;u&quot;</span><span class="xml-tag">&gt;</span>\n  '
        '<span class="xml-tag">&lt;id&gt;</span>'
        '<span class="xml-text">284</span>'
        '<span class="xml-tag">&lt;/id&gt;</span>\n  '
        '<span class="xml-tag">&lt;x</span> <span class="xml-attribute">xsi:nil</span>='
        '<span class="xml-value">&quot;true&quot;</span><span class="xml-tag"> /&gt;</span>\n'
    )


def test_the_declaration_is_quiet() -> None:
    assert highlight_xml('<?xml version="1.0"?>') == (
        '<span class="xml-declaration">&lt;?xml version=&quot;1.0&quot;?&gt;</span>'
    )


@pytest.mark.parametrize("cut_at", range(1, 60))
def test_cut_beginning_comes_out_whole(cut_at: int) -> None:
    beginning = '<Batches xmlns:xsi="u"><x xsi:nil="true" /><y>a &lt; b</y>'[:cut_at]
    assert text_of(highlight_xml(beginning)) == beginning


def test_escaped_script_stays_escaped() -> None:
    assert highlight_xml("<y>&lt;script&gt;</y>") == (
        '<span class="xml-tag">&lt;y&gt;</span>'
        '<span class="xml-text">&amp;lt;script&amp;gt;</span>'
        '<span class="xml-tag">&lt;/y&gt;</span>'
    )


@pytest.mark.parametrize(
    "piece", ["<", "<?", "<a ", "<a b=", '<a b="', "<a b='c' ", "</", "<!--", " ", "&", "<a\n"]
)
def test_long_row_of_near_tags_is_read_once(piece: str) -> None:
    # Read again from each piece, these would take minutes.
    text = piece * (200_000 // len(piece))
    assert text_of(highlight_xml(text)) == text
