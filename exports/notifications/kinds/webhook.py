"""A signed web hook, by the rules of Standard Webhooks (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.kind_modules import FormField
from exports.notifications.kind import ChannelKind, Letter, Target
from exports.notifications.web import post_json, read_hook

_PREFIX = "whsec_"
_SHORTEST = 16


def read_secret(text: str) -> str:
    """A secret that can sign. Raises ValueError with a sentence."""
    secret = text.strip()
    if not secret.isascii() or not secret.isprintable():
        raise ValueError(_("A secret holds plain letters, digits and signs: type it anew."))
    try:
        is_short = len(_key(secret)) < _SHORTEST
    except binascii.Error:
        raise ValueError(_("What follows whsec_ is no base64: copy the secret anew.")) from None
    if is_short:
        raise ValueError(_("A secret has 16 characters at least, so that nobody guesses it."))
    return secret


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Webhook(ChannelKind):
    code = "webhook"
    label = gettext_lazy("Web hook")
    lead = gettext_lazy("JSON by HTTPS to a program of yours, signed so that it can be trusted.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Address"),
            gettext_lazy(
                "Where the message is posted to, e.g. https://hooks.example.com/cwexport."
            ),
            type="url",
            is_bound=True,
            max_length=1000,
            required_sentence=gettext_lazy("Type the address to post to; it begins with https://."),
            clean=read_hook,
        ),
        FormField(
            "secret",
            gettext_lazy("Secret"),
            gettext_lazy(
                "Both sides keep it: 16 characters at least. Each message carries webhook-id, "
                "webhook-timestamp and webhook-signature, as Standard Webhooks says."
            ),
            is_secret=True,
            required_sentence=gettext_lazy("Type the secret that the receiver checks with."),
            clean=read_secret,
        ),
    )

    def where(self, settings: Mapping[str, Any]) -> str:
        return str(settings.get("url", ""))

    def preview(self, letter: Letter) -> str:
        return json.dumps(self._payload(letter), ensure_ascii=False, indent=2)

    def send(self, target: Target, letter: Letter) -> str:
        secret = target.secrets.get("secret", "")
        timestamp = str(int(time.time()))

        def headers(body: bytes) -> Mapping[str, str]:
            return {
                "webhook-id": letter.id,
                "webhook-timestamp": timestamp,
                "webhook-signature": signature(secret, letter.id, timestamp, body),
            }

        url = str(target.settings.get("url", ""))
        payload = self._payload(letter)
        return post_json(url, payload, headers=headers, is_over=target.is_over, secrets=[secret])

    def _payload(self, letter: Letter) -> dict[str, Any]:
        return {
            "id": letter.id,
            "type": letter.code,
            "timestamp": letter.created_at,
            "data": {
                **letter.data,
                "subject": letter.subject,
                "text": letter.text,
                "link": letter.link or None,
            },
        }


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


KIND = Webhook()
