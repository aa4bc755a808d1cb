"""The credentials of a request, which are never shown (C3)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from exports.connectwise.http.redaction import Redactor


@dataclass(frozen=True)
class Credentials:
    """An API member's keys, and the client id registered with ConnectWise."""

    company: str
    public_key: str
    private_key: str = field(repr=False)
    client_id: str

    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Basic {self._token()}"

    def redactor(self) -> Redactor:
        return Redactor(self.private_key, self._token())

    def _token(self) -> str:
        plain = f"{self.company}+{self.public_key}:{self.private_key}"
        return b64encode(plain.encode("utf-8", "replace")).decode("ascii")
