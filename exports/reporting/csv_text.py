"""Rows as CSV: times in UTC, no cell that a spreadsheet runs as a formula."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from exports.number_formats import utc_text

# What a spreadsheet reads as a formula, at the beginning of a cell and behind other separators
# than the comma: German and French spreadsheets split at semicolons. What separates is only looked
# at, as it may begin the next cell, and blanks are no separators, so that long rows of them are
# read once.
_FORMULA: Final = re.compile(r"(?:^|(?<=[;\t\r\n|]))(?=(?:[^\S\t\r\n]|['\"])*[=+\-@\t\r＝＋－＠])")


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    safe = [[_cell(value) for value in row] for row in rows]
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(safe)
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, str):
        return _FORMULA.sub("'", value)
    return value
