"""What becomes of a button pressed, or a form sent, by somebody whose login has expired.

Both are remembered in the session, which a login keeps unless it is somebody else's.
"""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.views.buttons import page_with_button

_PRESSED, TYPED = "pressed_before_login", "typed_before_login"
# Anybody may fill a session: as much as a form of a hundred conditions, and no more.
MOST_CHARACTERS: Final = 100_000
_SECRET: Final = "private_key"  # noqa: S105 (the name of a field)
_NOT_KEPT: Final = {"csrfmiddlewaretoken", "row_action", _SECRET}
# The page of each form, by the name of the address it was sent to.
_FORMS: Final = {
    "task-create": "task-create",
    "task-edit": "task-edit",
    "task-clone": "task-clone",
    "task-preview": "task-edit",
    "task-preview-unsaved": "task-create",
    "connection-create": "connection-create",
    "connection-edit": "connection-edit",
}


def page_after_login(request: HttpRequest) -> str:
    """Where to go on after the login, for a POST that was not done."""
    if page := _keep_typed(request):
        return page
    request.session[_PRESSED] = True
    return page_with_button(request)


def message_what_was_not_done(request: HttpRequest) -> None:
    """After the login: a page that looks as before must not pass for done."""
    if request.session.pop(_PRESSED, False):
        words = _("Your login had expired, so this was not done: press the button again.")
        messages.warning(request, words)


def take_typed(request: HttpRequest) -> QueryDict | None:
    """What was typed into the form at this address before the login, once; and say so."""
    kept = request.session.get(TYPED)
    if request.method != "GET" or kept is None or kept["page"] != request.path:
        return None
    del request.session[TYPED]
    messages.warning(request, _notice(kept["had_secret"]))
    typed = QueryDict(mutable=True)
    for name, values in kept["fields"].items():
        typed.setlist(name, values)
    return typed


def _keep_typed(request: HttpRequest) -> str:
    """The page of the form that was sent, if it is one whose fields are kept."""
    match = request.resolver_match
    form = _FORMS.get(match.view_name) if match else None
    fields = {name: values for name, values in request.POST.lists() if name not in _NOT_KEPT}
    length = sum(len(name) + sum(map(len, values)) for name, values in fields.items())
    if match is None or form is None or length > MOST_CHARACTERS:
        return ""
    page = reverse(form, kwargs=match.kwargs)
    had_secret = bool(request.POST.get(_SECRET))
    request.session[TYPED] = {"page": page, "fields": fields, "had_secret": had_secret}
    return page


def _notice(had_secret: bool) -> str:
    if had_secret:
        return _(
            "Your login had expired. Nothing was saved yet; everything you typed is still here, "
            "except the private key: type it again."
        )
    return _("Your login had expired. Nothing was saved yet; everything you typed is still here.")
