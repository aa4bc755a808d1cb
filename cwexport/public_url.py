"""Parses the URL at which people reach the installation."""

import re
from urllib.parse import SplitResult, urlsplit

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def split_public_url(text: str) -> SplitResult:
    """Scheme, host with port, and path without a final slash. Raises ValueError."""
    url = urlsplit(text)
    path = url.path.rstrip("/")
    is_plain = not (url.query or url.fragment or "@" in url.netloc)
    if url.scheme not in {"http", "https"} or not url.hostname or not is_plain:
        raise ValueError("no address of a site")
    if not _PATH.fullmatch(path) or url.port == 0:
        raise ValueError("no such path or port")
    return url._replace(netloc=url.netloc.lower(), path=path)
