"""What becomes of a button pressed, or a form sent, by somebody whose login has expired."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from exports.views.buttons import page_with_button

_PRESSED = "pressed_before_login"


def page_after_login(request: HttpRequest) -> str:
    """Where to go on after the login, for a POST that was not done."""
    request.session[_PRESSED] = True
    return page_with_button(request)


def tell_what_was_not_done(request: HttpRequest) -> None:
    """After the login: a page that looks as before must not pass for done."""
    if request.session.pop(_PRESSED, False):
        words = _("Your login had expired, so this was not done: press the button again.")
        messages.warning(request, words)
