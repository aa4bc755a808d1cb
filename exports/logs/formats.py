"""Formats a record as one line for people or one JSON object for programs (rule I4)."""

import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.encoding import escape_uri_path
from pythonjsonlogger.json import JsonFormatter as _JsonFormatter

from exports.logs.context import current_fields
from exports.logs.scrubbing import scrub

# What ends a line or moves the cursor: what a client sent must not look like a line of its own.
_CONTROLS: Final = {
    number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if number != 9
} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


# A part of a path this long may be a token, as of an invitation: the log keeps none.
_LONG_PART: Final = re.compile(r"[^/]{32,}")
_LONGEST_PATH: Final = 500


def logged_path(path: str) -> str:
    """A path as the log may hold it."""
    return _LONG_PART.sub("…", escape_uri_path(path[:_LONGEST_PATH]))


class LineFormatter(logging.Formatter):
    """`time level logger message [request_id=… user=…]`, then a traceback if there is one."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _message(record, record.message).translate(_CONTROLS)
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in current_fields().items())
        line = super().formatMessage(record)
        return f"{line} [{fields}]" if fields else line

    def format(self, record: logging.LogRecord) -> str:
        # Whole, with its traceback: another handler must not be given the text as it was.
        line, *traceback = scrub(super().format(record)).split("\n")
        # An error may repeat what a client sent: no line of it may look like a record.
        return "\n".join([line, *(f"  {one.translate(_CONTROLS)}" for one in traceback)])


class JsonFormatter(_JsonFormatter):
    """One object a line, with the same names whatever the record is about."""

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        about = {name: log_data.pop(name) for name in list(log_data)}
        # Django adds it to what it logs; written out it holds the query.
        about.pop("request", None)
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat()
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = _message(record, about.pop("message", ""))
        log_data.update(current_fields())
        log_data.update(about)
        for name, value in log_data.items():
            if isinstance(value, str):
                log_data[name] = scrub(value)


def _message(record: logging.LogRecord, message: str) -> str:
    """The message, in which Django may have written the path of a request."""
    path = getattr(getattr(record, "request", None), "path", "")
    if len(path) > 1:
        for written in (path, path.encode("unicode_escape").decode()):
            message = message.replace(written, logged_path(path))
    return message


def _quoted(value: str | int) -> str:
    text = str(value).translate(_CONTROLS)
    return '"' + text.replace('"', "'") + '"' if " " in text or not text else text
