"""A request and its answer, before any byte of it is sent."""

import json
import uuid
from dataclasses import dataclass, field, replace
from email.message import Message
from http import HTTPStatus
from typing import Any

from exports.demo.rows import Row, to_json

LIST, COUNT, ONE = "list", "count", "one"
ENTRIES, ENTRY, ENTRIES_COUNT = "entries", "entry", "entries-count"
COMPANY, SYSTEM, ELSEWHERE = "companyinfo", "systeminfo", "elsewhere"
BATCHES = (LIST, COUNT)
ANY = (LIST, COUNT, ONE, ENTRIES, ENTRY, ENTRIES_COUNT, COMPANY, SYSTEM, ELSEWHERE)

API_VERSION = "2025.8"


@dataclass(frozen=True)
class Request:
    """One call as it came in. `at` is in monotonic seconds: only differences mean something."""

    method: str
    path: str
    query: dict[str, str]
    headers: "Message[str, str]"
    at: float
    endpoint: str
    url: str
    arguments: tuple[str, ...] = ()
    malformed: str = ""
    max_page_size: int = 1000

    def with_page_limit(self, limit: int) -> "Request":
        """The same call, with its page size limited to this many records."""
        return replace(self, max_page_size=min(self.max_page_size, limit))


@dataclass
class Answer:
    """An answer to send. The first of `rows`, `count` and `content` that is set is the body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    rows: list[Row] | None = None
    count: int | None = None
    content: bytes = b""

    def body(self) -> bytes:
        if self.rows is not None:
            return b"[" + b",".join([row.body for row in self.rows]) + b"]"
        if self.count is not None:
            return b'{"count":%d}' % self.count
        return self.content

    def replace_body(self, content: bytes) -> None:
        """Send these bytes instead of the rows or the count."""
        self.rows = self.count = None
        self.content = content

    def head(self, body: bytes) -> bytes:
        """Status line and headers as sent; Content-Length is added unless the body is chunked."""
        phrase = HTTPStatus(self.status).phrase if self.status in _STATUSES else "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if "Transfer-Encoding" not in self.headers:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


_STATUSES = {status.value for status in HTTPStatus}


def standard_headers(date: str) -> dict[str, str]:
    """The headers every answer of ConnectWise carries."""
    return {
        "Date": date,
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-cache",
        "api-current-version": API_VERSION,
        "x-cw-request-id": str(uuid.uuid4()),
    }


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, content=to_json(value))


def error_answer(status: int, code: str, message: str) -> Answer:
    """ConnectWise's usual error body."""
    body = {"code": code, "message": message, "errors": None}
    return Answer(status, content=json.dumps(body).encode())


def text_answer(status: int, text: str, content_type: str = "text/plain") -> Answer:
    return Answer(status, {"Content-Type": f"{content_type}; charset=utf-8"}, content=text.encode())
