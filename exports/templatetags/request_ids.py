"""The number of a request on error pages, by which its lines in the log are found."""

from django import template

from exports.logs.context import current_fields

register = template.Library()


@register.simple_tag
def request_id() -> str:
    """Empty outside of a request. Needs no context: an error page may have none."""
    return str(current_fields().get("request_id", ""))
