"""Where the queue is: the setting CWEXPORT_QUEUE, read."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

_SCHEMES: Final = ("redis", "rediss")
_PORT: Final = 6379


@dataclass(frozen=True)
class Broker:
    """A Redis server and which of its databases; the password is never shown."""

    host: str
    port: int = _PORT
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    has_tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' * self.has_tls}://{host}:{self.port}/{self.database}"


def parse_queue(text: str) -> Broker | None:
    """None for the database. The ValueError contains no part of the text, as it may be secret."""
    if text.lower() == "database":
        return None
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
    except ValueError:  # its message may quote a part of the password
        raise ValueError("not a queue") from None
    path = parts.path.strip("/")
    is_whole = parts.scheme in _SCHEMES and bool(parts.hostname)
    if not is_whole or not re.fullmatch("[0-9]{0,4}", path) or parts.query or parts.fragment:
        raise ValueError("not a queue")
    return Broker(
        host=parts.hostname or "",
        port=port,
        database=int(path or 0),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        has_tls=parts.scheme == "rediss",
    )
