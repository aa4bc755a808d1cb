"""The first batches of an export as XML and as a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from lxml import etree

from exports.connectwise.batch_fields import ELEMENT, EXTERNAL_ID
from exports.connectwise.xml.writer import XSI, BatchWriter

_MAX_COLUMNS: Final = 100
_LONGEST_CELL: Final = 500  # characters
_NIL: Final = f"{{{XSI}}}nil"


@dataclass(frozen=True)
class FirstBatches:
    """`xml` is a whole document; `rows` has a cell for each of `columns`, None for a nil element.

    A column is the path of an element, such as `_info/lastUpdated`; externalId, which is always
    blank, has none. Very long cells and rows are cut. `replaced` names, as (batch id, path), the
    elements with characters that XML cannot hold.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    xml: str
    replaced: tuple[tuple[int, str], ...]

    @property
    def labelled_rows(self) -> list[list[tuple[str, str | None]]]:
        """Each cell behind its column, for where there is no room for a head."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


def first_batches(
    records: Sequence[Mapping[str, Any]], *, include_extra_fields: bool
) -> FirstBatches:
    """`records` as a run writes them. Raises RecordError for one that a run could not write."""
    replaced: list[tuple[int, str]] = []
    stream = BytesIO()
    with BatchWriter(
        stream,
        include_extra_fields=include_extra_fields,
        on_replaced=lambda batch_id, path: replaced.append((batch_id, path)),
    ) as writer:
        for record in records:
            writer.write(record)
    # Read from the XML, not from the records, so that the table shows what the file holds.
    root = etree.fromstring(stream.getvalue(), etree.XMLParser(resolve_entities=False))
    found = [_cells(batch) for batch in root.iter(ELEMENT)]
    columns = tuple(dict.fromkeys(name for cells in found for name in cells))[:_MAX_COLUMNS]
    return FirstBatches(
        columns=columns,
        rows=tuple(tuple(_cut(cells.get(name, "")) for name in columns) for cells in found),
        xml=stream.getvalue().decode(),
        replaced=tuple(replaced),
    )


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _cells(batch: Any) -> dict[str, str | None]:
    """The texts of one batch by path; the items of a list are joined."""
    cells: dict[str, str | None] = {}
    for path, text in _leaves(batch):
        if path == EXTERNAL_ID:
            continue
        earlier = cells.get(path)
        cells[path] = f"{earlier}, {text or ''}" if earlier else text
    return cells


def _leaves(element: Any, above: str = "") -> Iterator[tuple[str, str | None]]:
    for child in element:
        path = above + child.tag
        if len(child):
            yield from _leaves(child, f"{path}/")
        else:
            yield path, None if child.get(_NIL) else child.text or ""
