"""One-time links as commands print them: with the address that people type."""

from django.conf import settings
from django.urls import reverse


def printed_link(token: str, site: str = "") -> str:
    """The whole link; `site` is where the web server listens, without a public address."""
    path = reverse("one-time-link", args=[token])
    prefix = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    base = settings.CWEXPORT_PUBLIC_URL or site or "http://localhost:8000"
    return f"{base.rstrip('/')}{path.removeprefix(prefix)}"
