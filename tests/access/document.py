"""The table of docs/access.md; `python -m tests.access.document` writes it anew."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.urls import URLResolver, get_resolver

DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
BEGIN = "| Address | Name | To see it | To send something |\n|---|---|---|---|\n"


def table() -> str:
    """A line for each address of the product, in the order of the addresses."""
    from exports.access.rights import right_of

    lines = []
    for url, name in sorted(set(_addresses(get_resolver().url_patterns))):
        right = right_of(name)
        needs = [need.value for need in (right.read, right.write)] if right else ["nobody"] * 2
        lines.append(f"| `{url}` | `{name}` | {needs[0]} | {needs[1]} |\n")
    return BEGIN + "".join(lines)


def written() -> str:
    return DOCUMENT.read_text().partition(BEGIN)[2]


def _addresses(patterns: list[Any], name: str = "", url: str = "/") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        here = url + str(pattern.pattern).replace("|", "\\|")
        if isinstance(pattern, URLResolver) and pattern.namespace == "admin":
            yield f"{here}…", "admin:"
        elif isinstance(pattern, URLResolver):
            inside = f"{name}{pattern.namespace}:" if pattern.namespace else name
            yield from _addresses(pattern.url_patterns, inside, here)
        else:
            yield here, f"{name}{pattern.name}"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cwexport.settings")
    django.setup()
    DOCUMENT.write_text(DOCUMENT.read_text().partition(BEGIN)[0] + table())
