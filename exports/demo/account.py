"""The stand-in's account: its company, its keys, and who may call."""

import base64
import binascii
from dataclasses import dataclass
from email.message import Message

from exports.demo.answers import Answer, error_answer


@dataclass(frozen=True)
class Account:
    """Who may call, and how this ConnectWise answers wrong credentials.

    With `cloud`, wrong credentials get 404, as from the cloud, not 401. A wrong company always gets
    404.
    """

    company: str = "demo"
    public_key: str = "DemoPublicKey"
    private_key: str = "DemoPrivateKey"
    client_id: str = "7c1f7a4e-3d5b-4c8a-9a53-0d2f6b1e8c90"
    cloud: bool = False
    system_info_forbidden: bool = False
    lenient_precedence: bool = False


def refusal_of_caller(headers: "Message[str, str]", account: Account) -> Answer | None:
    """The error for a caller with a wrong clientId (400), company (404) or keys (401)."""
    if headers.get("clientId", "").strip().lower() != account.client_id.lower():
        return error_answer(400, "ClientId", "A valid clientId is required to call this API.")
    company, public_key, private_key = _credentials(headers.get("Authorization", ""))
    if company and company.lower() != account.company.lower():
        return error_answer(404, "NotFound", f"Company '{company}' not found.")
    known_keys = (account.public_key, account.private_key)
    if not company or (public_key, private_key) != known_keys:
        status = 404 if account.cloud else 401
        return error_answer(status, "Unauthorized", "Provided login credentials are invalid.")
    return None


def _credentials(authorization: str) -> tuple[str, str, str]:
    """Company, public and private key from `Basic base64(company+public:private)`; or blanks."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", "", ""
    who, _, private_key = text.partition(":")
    company, _, public_key = who.partition("+")
    return company, public_key, private_key
