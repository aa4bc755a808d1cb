"""A small client for the stand-in's own tests: one connection per call."""

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from exports.demo.account import Account
from exports.demo.api import BASE_PATH
from exports.demo.server import StandIn

BATCHES = "/finance/accounting/batches"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ids(self) -> list[int]:
        return [record["id"] for record in self.json]


def credentials(account: Account | None = None) -> dict[str, str]:
    """The headers of a caller who is accepted."""
    account = account or Account()
    who = f"{account.company}+{account.public_key}:{account.private_key}"
    authorization = f"Basic {base64.b64encode(who.encode()).decode()}"
    return {"clientId": account.client_id, "Authorization": authorization}


def ask(
    stand_in: StandIn,
    path: str = BATCHES,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    timeout: float = 10,
    **query: str | int,
) -> Reply:
    """Call a path of the API; a path that begins with `//` is relative to the root."""
    target = path[1:] if path.startswith("//") else BASE_PATH + path
    if query:
        target += "?" + urlencode(query, quote_via=quote)
    connection = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=timeout)
    try:
        connection.request(method, target, headers=credentials() if headers is None else headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()
