"""Reads and decodes the body of a response within limits, whatever its headers say (H1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError

from exports.connectwise.http.errors import AnswerTooLargeError, WrongShapeError
from exports.connectwise.http.sockets import DeadlineError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped

_CHUNK_BYTES: Final = 256 * 1024
_ERROR_BODY_BYTES: Final = 64 * 1024
_MAX_LAYERS: Final = 3
_GZIP: Final = b"\x1f\x8b"
_DECODED: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
# First bytes of JSON or a web page: blanks, signs, byte order marks, a zero byte of UTF-16.
_TEXT_BEGINNINGS: Final = b' \t\r\n[{"-0123456789tfnNI<\xef\xfe\xff\0'


def read_whole(response: BaseHTTPResponse, max_bytes: int, step: str) -> bytes:
    """Read a whole body; at most `max_bytes`, both as sent and decoded."""
    sent = _limited(_raw_chunks(response), max_bytes, step)
    body = b"".join(_limited(_decoded(sent, _named(response)), max_bytes, step))
    foreign = ", ".join(name for name in _named(response) if name not in _DECODED)
    if foreign and body and body[0] not in _TEXT_BEGINNINGS:
        error = WrongShapeError(
            _("the response came in the encoding “%(encoding)s”, which was not asked for")
            % {"encoding": foreign[:50]},
            _("Look for a proxy that changes responses: only gzip and deflate are decoded."),
            step=step,
            status=response.status,
        )
        error.is_lasting = True
        raise error
    return body


def read_beginning(response: BaseHTTPResponse) -> bytes:
    """Read enough of an error's body for a message; ignores faults, as the status matters more."""
    body = b""
    with suppress(HTTPError, OSError, DeadlineError, ValueError):
        for part in _decoded(_raw_chunks(response), _named(response)):
            body += part
            if len(body) >= _ERROR_BODY_BYTES:
                break
    # Else the unread rest would be read as the start of the next response.
    response.close()
    return body[:_ERROR_BODY_BYTES]


def _named(response: BaseHTTPResponse) -> list[str]:
    names = response.headers.get("Content-Encoding", "").lower().split(",")
    return [name.strip() for name in names]


def _raw_chunks(response: BaseHTTPResponse) -> Iterator[bytes]:
    while chunk := response.read(_CHUNK_BYTES, decode_content=False):
        yield chunk


def _limited(chunks: Iterator[bytes], max_bytes: int, step: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise AnswerTooLargeError(
                _("the answer is larger than %(size)s bytes") % {"size": grouped(max_bytes)},
                _("Choose a smaller page size."),
                step=step,
                status=200,
            )
        yield chunk


def _decoded(chunks: Iterator[bytes], named: list[str]) -> Iterator[bytes]:
    """Decode by the first bytes of the body, as headers may name a wrong encoding."""
    for _layer in range(_MAX_LAYERS):
        first = next(chunks, b"")
        window = _zlib_window(first, named)
        chunks = chain([first], chunks)
        if window is None:
            break
        chunks = filter(None, _inflated(chunks, window))
    return chunks


def _zlib_window(first: bytes, named: list[str]) -> int | None:
    """The zlib window for a body with these first bytes; None when it is not compressed."""
    if first.startswith(_GZIP):
        return 31
    if "deflate" not in named or first[:1] in (b"", b"[", b"{"):
        return None
    is_zlib = len(first) > 1 and first[0] & 15 == 8 and int.from_bytes(first[:2], "big") % 31 == 0
    return 15 if is_zlib else -15


def _inflated(chunks: Iterator[bytes], window: int) -> Iterator[bytes]:
    """Decompress at most a chunk at a time, as a small body can expand to a huge one."""
    inflater = zlib.decompressobj(window)
    try:
        for chunk in chunks:
            while chunk:
                if inflater.eof:
                    if not _GZIP.startswith(chunk[:2]):
                        break  # data after the end is padding
                    inflater = zlib.decompressobj(window)
                yield inflater.decompress(chunk, _CHUNK_BYTES)
                chunk = inflater.unconsumed_tail or inflater.unused_data
        while not inflater.eof and (rest := inflater.decompress(b"", _CHUNK_BYTES)):
            yield rest
    except zlib.error as error:
        raise DecodeError("the compressed body is broken") from error
    if not inflater.eof:
        raise DecodeError("the compressed body is cut")
