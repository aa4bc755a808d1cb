"""Text from the product's own documents on pages: {{ row.meaning|marked_up }}."""

import re
from typing import Final

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# A piece of code, a link (of which the words stay), an emphasis: on text that is escaped already.
_INLINE: Final = re.compile(
    r"`(?P<code>[^`]+)`|\[(?P<link>[^\]]+)\]\([^)]*\)|\*(?P<word>[^*\s][^*]*)\*"
)


@register.filter
def marked_up(text: str) -> SafeString:
    """`code` and *words* of Markdown as HTML; everything else is only text."""
    return mark_safe(_INLINE.sub(_tagged, escape(text)))  # noqa: S308 - escaped before


def _tagged(found: re.Match[str]) -> str:
    if found["code"]:
        return f"<code>{found['code']}</code>"
    return str(found["link"]) if found["link"] else f"<em>{found['word']}</em>"
