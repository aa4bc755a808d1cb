"""What happens to a button or form that is sent after the login has expired.

Only a form that shows who opened it is kept, and only that person gets it back. Everything else an
anonymous visitor sends is dropped, so that nobody can prepare a form for the next person who logs
in, or fill the database with sessions.
"""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.views.buttons import page_with_button

TYPED: Final = "typed_before_login"
# The form field with the signed name of the person who opened it.
TYPED_BY: Final = "typed_by"
# Passed to the login page in its address, as it is stored nowhere else.
NOT_DONE: Final = "not_done"
# Enough for a form with a hundred conditions.
MAX_CHARACTERS: Final = 100_000
_FORM_LIFETIME: Final = timedelta(days=14)
_TIME_TO_LOG_IN: Final = timedelta(hours=1)
# These decide where a key is sent and for whom: never taken over from before a login.
TYPED_AGAIN: Final = ("site", "company", "public_key", "private_key", "client_id")
_NOT_KEPT: Final = {"csrfmiddlewaretoken", "row_action", TYPED_BY, *TYPED_AGAIN}
# The page of each form, by the URL name the form is sent to.
_FORMS: Final = {
    "task-create": "task-create",
    "task-edit": "task-edit",
    "task-clone": "task-clone",
    "task-preview": "task-edit",
    "task-preview-unsaved": "task-create",
    "workflow-create": "workflow-create",
    "workflow-edit": "workflow-edit",
    "schedule-create": "schedule-create",
    "schedule-edit": "schedule-edit",
    "connection-create": "connection-create",
    "connection-edit": "connection-edit",
}


def typed_by(request: HttpRequest) -> str:
    """The value of the field TYPED_BY in a form shown to this user."""
    return signing.dumps(request.user.pk, salt=TYPED_BY)


def is_opened_by_another(request: HttpRequest) -> bool:
    """Whether the form being sent was opened by a different user."""
    opener = _opener(request)
    return opener is not None and opener != request.user.pk


def refuse_form_of_another(request: HttpRequest) -> HttpResponse:
    sentence = _(
        "Nothing was saved: somebody else was logged in when this form was opened. Here it is as "
        "it is stored; type what you want to change."
    )
    messages.warning(request, sentence)
    return redirect(_page_of_form(request) or page_with_button(request))


def page_after_login(request: HttpRequest) -> tuple[str, bool]:
    """The page to show after the login, for a POST that was not done; whether its text is kept."""
    if page := _keep_typed(request):
        return page, True
    return page_with_button(request), False


def take_typed(request: HttpRequest) -> QueryDict | None:
    """Return, once, what this user typed into the form before the login; and show a message."""
    kept = request.session.get(TYPED)
    if request.method != "GET" or kept is None or kept["page"] != request.path:
        return None
    del request.session[TYPED]
    if kept["user"] != request.user.pk:
        return None
    messages.warning(request, _notice(is_connection="connection" in kept["form"]))
    typed = QueryDict(mutable=True)
    for name, values in kept["fields"].items():
        typed.setlist(name, values)
    return typed


def settle_after_login(request: HttpRequest) -> None:
    """Drop what another user typed, and give the session its normal lifetime."""
    kept = request.session.get(TYPED)
    if kept is None:
        return
    request.session.set_expiry(None)
    if kept["user"] != request.user.pk:
        del request.session[TYPED]


def _opener(request: HttpRequest) -> Any:
    """The key of the user who opened the form that is being sent; None without a valid sign."""
    try:
        signed = request.POST.get(TYPED_BY, "")
        return signing.loads(signed, salt=TYPED_BY, max_age=_FORM_LIFETIME)
    except signing.BadSignature:
        return None


def _page_of_form(request: HttpRequest) -> str:
    """The page of the form that was sent; "" when such forms are not kept."""
    match = request.resolver_match
    form = _FORMS.get(match.view_name) if match else None
    return reverse(form, kwargs=match.kwargs) if match and form else ""


def _keep_typed(request: HttpRequest) -> str:
    """Keep the form that was sent and return its page; "" when it is not to be kept."""
    page, opener = _page_of_form(request), _opener(request)
    fields = {name: values for name, values in request.POST.lists() if name not in _NOT_KEPT}
    length = sum(len(name) + sum(map(len, values)) for name, values in fields.items())
    if not page or opener is None or length > MAX_CHARACTERS:
        return ""
    form = request.resolver_match.view_name if request.resolver_match else ""
    request.session[TYPED] = {"page": page, "form": form, "fields": fields, "user": opener}
    request.session.set_expiry(_TIME_TO_LOG_IN)
    return page


def _notice(*, is_connection: bool) -> str:
    if is_connection:
        return _(
            "Your login had expired. Nothing was saved yet. For safety Site, Company, the keys and "
            "the Client ID are not kept across a login: check them and type them again."
        )
    return _("Your login had expired. Nothing was saved yet; everything you typed is still here.")
