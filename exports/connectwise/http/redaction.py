"""Secrets taken out of what others say: a server may echo what it was sent (C3)."""

import html
import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

from exports.connectwise.language import gettext as _


def redact(text: str, *secrets: str) -> str:
    """`text` without the secrets, in clear or in the encodings in which they tend to come back."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):  # a form may hold a shorter one
        text = text.replace(form, _("[removed]"))
    return text


def _forms(secret: str) -> set[str]:
    encoded = secret.encode("utf-8", "replace")
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(encoded),
        quote(encoded, safe=""),
        quote_plus(encoded),
        encoded.hex(),
        b64encode(encoded).decode("ascii"),
        repr(secret)[1:-1],
    }
