"""Shows links and buttons only to those who may use them (rule A5).

{% if request.user|may:"task-edit" %} for a link, {% if request.user|may_post:"task-run" %} for a
button or a form. {% allowed_link "task-edit" task.pk %}Its name{% endallowed_link %} is a link, or
for the others the name alone.
"""

from typing import TYPE_CHECKING, Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html

from exports.access import rights

if TYPE_CHECKING:
    from exports.access.roles import Person

register = template.Library()


@register.filter
def may(user: "Person | None", url_name: str) -> bool:
    return _may(user, url_name, "GET")


@register.filter
def may_post(user: "Person | None", url_name: str) -> bool:
    return _may(user, url_name, "POST")


@register.simple_block_tag(takes_context=True)
def allowed_link(context: Context, content: str, url_name: str, *args: Any) -> str:
    if not _may(context["request"].user, url_name, "GET"):
        return content
    return format_html('<a href="{}">{}</a>', reverse(url_name, args=args), content)


def _may(user: "Person | None", url_name: str, method: str) -> bool:
    # A page that answers before anybody is known, such as 400, has no user.
    return user is not None and rights.may(user, url_name, method)
