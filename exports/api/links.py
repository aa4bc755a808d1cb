"""Whole addresses of what an answer names, so that programs build none themselves."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


def links_of(request: HttpRequest) -> Callable[..., str]:
    """A function from a URL name and its numbers to an address at the host that was asked."""
    origin = f"{request.scheme}://{request.get_host()}"

    def link(url_name: str, *numbers: Any) -> str:
        return f"{origin}{reverse(url_name, args=numbers)}"

    return link
