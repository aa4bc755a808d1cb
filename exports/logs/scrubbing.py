"""Takes secrets out of lines by their value, whoever wrote them there (rules C3, I4).

Every secret that this process has encrypted or decrypted is remembered, in the spellings in which
programs print text. What a server sends back is cleaned before that, and more thoroughly, in
`exports/connectwise/http/redaction.py`; this is for what nobody thought of, such as a traceback.
"""

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import quote, quote_plus

REMOVED: Final = "[removed]"
# Shorter ones would take ordinary words with them.
_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 16
_MOST: Final = 1_000
# What is secret wherever it stands: what is sent to log in, and a password in an address.
_PATTERNS: Final = re.compile(
    r"(?i)\b(?P<scheme>bearer|basic)\s+[\w+/=.~-]{8,}"
    r"|(?P<start>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*):[^\s/@'\"]+@"
)


class Scrubber:
    """Remembers secrets and removes them; one for each process."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._search: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def remember(self, *secrets: str) -> None:
        new = [one for text in secrets for one in _parts(text) if one not in self._secrets]
        if not new:
            return
        with self._lock:
            self._secrets.update(dict.fromkeys(new))
            while len(self._secrets) > _MOST:
                del self._secrets[next(iter(self._secrets))]
            spellings = {one for secret in self._secrets for one in _spellings(secret)}
            # The longest first, as one may be a part of another.
            ordered = sorted(spellings, key=len, reverse=True)
            self._search = re.compile("|".join(re.escape(one) for one in ordered))

    def scrub(self, text: str) -> str:
        if self._search is not None:
            text = self._search.sub(REMOVED, text)
        return _PATTERNS.sub(_without_password, text)


def _without_password(found: re.Match[str]) -> str:
    if found["scheme"]:
        return f"{found['scheme']} {REMOVED}"
    return f"{found['start']}:{REMOVED}@"


def _parts(text: str) -> Iterator[str]:
    """The secrets in a stored text: itself, or the values of its JSON; each line of a long key."""
    values: Iterable[object] = [text]
    if text.startswith("{"):
        with suppress(ValueError, TypeError):
            values = dict(json.loads(text)).values()
    for value in values:
        if isinstance(value, str):
            lines = value.splitlines()
            yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
            if len(lines) == 1 and len(value.strip()) >= _SHORTEST:
                yield value.strip()


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (secret, repr(secret)[1:-1], repr(raw)[2:-1], ascii(secret)[1:-1])
    yield from (json.dumps(secret)[1:-1], html.escape(secret))
    yield from (quote(raw), quote(raw, safe=""), quote_plus(raw))
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        # Without the first and last characters, which also depend on the bytes beside them.
        own = encoded[(0, 2, 3)[before] : len(encoded.rstrip("=")) - 1]
        if len(own) >= _SHORTEST:
            yield from (own, own.replace("+", "-").replace("/", "_"))


_scrubber: Final = Scrubber()
remember_secrets: Final = _scrubber.remember
scrub: Final = _scrubber.scrub
