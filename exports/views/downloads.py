"""How a download is sent: as an attachment that nothing in a browser executes."""

import unicodedata
from typing import Any, TypeVar
from urllib.parse import quote

from django.http import FileResponse, HttpResponseBase

_Response = TypeVar("_Response", bound=HttpResponseBase)


def attachment(content: Any, name: str, content_type: str) -> FileResponse:
    return as_attachment(FileResponse(content, content_type=content_type), name)


def as_attachment(response: _Response, name: str) -> _Response:
    """`response`, to be saved under `name`.

    Programs that read no UTF-8 name, such as `curl -OJ`, take the plain one.
    """
    plain = _plain(name)
    disposition = f'attachment; filename="{plain}"'
    if plain != name:
        disposition += f"; filename*=utf-8''{quote(name, safe='')}"
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _plain(name: str) -> str:
    """`name` in printable ASCII: Ä becomes A, what has no such form `_`."""
    letters = unicodedata.normalize("NFKD", name)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in kept
    )
