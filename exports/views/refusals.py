"""Refuses what the rights table does not grant, and says whom to ask (rules A1, A5)."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from exports.access.rights import Need, meets, need_of
from exports.access.roles import Role, active_admins, role_of

_MOST_NAMES: Final = 3


class RightsMiddleware:
    """Asks the table before any view is called, for this address and method."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        need = need_of(request.resolver_match, request.method)
        return None if meets(request.user, need) else _refuse(request, need)


def _refuse(request: HttpRequest, need: Need | None) -> HttpResponse:
    context = {
        "role": role_of(request.user),
        "need": need if isinstance(need, Role) else None,
        "admins": [
            admin.get_full_name() or admin.get_username() for admin in active_admins()[:_MOST_NAMES]
        ],
    }
    if not getattr(request, "htmx", None):
        return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)
    response = render(request, "exports/forms/_refused.html", context, status=HTTPStatus.FORBIDDEN)
    response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML show:window:top"
    # A region that loads itself anew would look for itself in the answer.
    response["HX-Reselect"] = ".notice"
    return response
