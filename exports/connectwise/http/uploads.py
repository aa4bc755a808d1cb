"""Sends requests with a body of any size, such as a file, by the same rules as every request (C6).

Same sockets as the client: addresses are judged, no redirect is followed, a stop and deadlines hold
while a body is sent, and a body is read in pieces. Errors are those of the libraries, as their
sentences depend on what was uploaded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from requests import Request
from requests import Response as Answer
from urllib3 import BaseHTTPResponse

from exports.connectwise.http.bodies import read_beginning, read_whole
from exports.connectwise.http.transport import Response, Transport

_WHOLE: Final = (200, 207)


class Uploader(Transport):
    """A Transport that also sends bodies; for one thread."""

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any = None,
    ) -> Response:
        """Send one request; `body` is bytes, or a reader with a length.

        Raises FOREIGN_ERRORS, StopRequestedError, and what reading the body raises.
        """
        begun = time.monotonic()
        response = self._answer(method, url, headers, body)
        content = self._content(response.raw, is_head=method == "HEAD")
        return Response(
            url, response.status_code, response.headers, content, time.monotonic() - begun
        )

    def open(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], BaseHTTPResponse]:
        """Send a request whose answer the caller reads as it comes, and closes; raises as `send`.

        Returns status, headers and the unread answer.
        """
        response = self._answer(method, url, headers, None)
        return response.status_code, response.headers, response.raw

    def _answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        adapter = self._adapter(urlsplit(url), method)
        self._watch.begin(self._limits.total)
        self._watch.check()
        prepared = Request(method, url, dict(headers), data=body).prepare()
        if body is None:
            prepared.headers["Content-Length"] = "0"
        return adapter.send(
            prepared, stream=True, timeout=(self._limits.connect, self._limits.read)
        )

    def _content(self, response: BaseHTTPResponse, *, is_head: bool) -> bytes:
        try:
            if response.status in _WHOLE and not is_head:
                body = read_whole(response, self._limits.max_body_bytes, "upload")
            else:
                body = read_beginning(response)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return body
