"""Downloads as attachments that a browser does not execute."""

import unicodedata
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from django.http import FileResponse, HttpResponse, HttpResponseBase

from exports.models import Run

_Response = TypeVar("_Response", bound=HttpResponseBase)


def attachment(content: Any, name: str, content_type: str) -> FileResponse:
    return as_attachment(FileResponse(content, content_type=content_type), name)


def as_attachment(response: _Response, name: str) -> _Response:
    """`response`, to be saved under `name`.

    Programs that cannot read UTF-8 names, such as `curl -OJ`, use the ASCII name.
    """
    plain = _plain(name)
    disposition = f'attachment; filename="{plain}"'
    if plain != name:
        disposition += f"; filename*=utf-8''{quote(name, safe='')}"
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response


def download_name(run: Run) -> str:
    """`nightly-run-42.xml`, so that the downloads of two runs are not mistaken for each other."""
    if "{run}" in run.output_file:
        return run.file_name
    name = Path(run.file_name)
    return f"{name.stem}-run-{run.pk}{name.suffix}"


def not_modified(etag: str) -> HttpResponse:
    """The answer to whoever has the file already."""
    response = HttpResponse(status=304)
    response["ETag"] = etag
    return response


def _plain(name: str) -> str:
    """`name` in printable ASCII: Ä becomes A, characters without an ASCII form become `_`."""
    letters = unicodedata.normalize("NFKD", name)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in kept
    )
