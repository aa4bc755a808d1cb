"""Who asks: the token of a request, and whether the rights table grants what it asks (rule I2)."""

import math
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.access.rights import PUBLIC, Need, meets, need_of
from exports.access.roles import ROLE_OF_SCOPE, Role
from exports.api.allowances import Allowances
from exports.api.problems import ProblemCode, ProblemError
from exports.middleware.acting import TOKEN_NAME
from exports.middleware.client_address import client_address
from exports.models import ApiToken

NAMESPACE: Final = "api"
SCOPE_OF_ROLE: Final = {role: scope for scope, role in ROLE_OF_SCOPE.items()}
_MAX_LENGTH: Final = 200
# What is answered besides JSON.
_TYPES: Final = {"run-file": ("application/xml", "application/octet-stream")}
_WRONG_PER_MINUTE: Final = 30
_wrong = Allowances(_WRONG_PER_MINUTE)
_requests = Allowances(settings.CWEXPORT_API_REQUESTS_PER_MINUTE)
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="cwexport"'}
_REFUSED: Final = {
    ProblemCode.TOKEN_UNKNOWN: gettext_noop(
        "Send the token as it was shown when it was made, or make a new one."
    ),
    ProblemCode.TOKEN_EXPIRED: gettext_noop(
        "It expired at %(expires_at)s. Make a new one on the page of your tokens."
    ),
    ProblemCode.TOKEN_REVOKED: gettext_noop("Make a new one on the page of your tokens."),
    ProblemCode.USER_DEACTIVATED: gettext_noop("Ask an admin of this installation."),
}


class TokenMiddleware:
    """Checks token, scope and role before any view of the API is called.

    Stands before what asks for a login, which then finds the token's user in the request.
    """

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.namespace != NAMESPACE:
            return None
        need = need_of(match, request.method)
        if need is PUBLIC:
            return None
        try:
            token = _token_of(request)
            _check_rights(token, need)
            _check_accepted(request, match.url_name or "")
        except ProblemError as error:
            return error.response()
        _accept(request, token)
        return None


def token_of(request: HttpRequest) -> ApiToken:
    """The token that the middleware has accepted."""
    token = getattr(request, "api_token", None)
    assert isinstance(token, ApiToken)  # noqa: S101 - no view of the API is called without
    return token


def _token_of(request: HttpRequest) -> ApiToken:
    text = _sent(request)
    token = ApiToken.objects.of_text(text)
    code = ProblemCode.TOKEN_UNKNOWN if token is None else _fault(token)
    if token is None or code is not None:
        raise _refusal(request, code or ProblemCode.TOKEN_UNKNOWN, token)
    if wait := _requests.spend(token.pk):
        raise _too_many(wait)
    return token


def _sent(request: HttpRequest) -> str:
    kind, _blank, text = request.headers.get("Authorization", "").strip().partition(" ")
    text = text.strip()
    if kind.lower() != "bearer" or not text:
        detail = _("Send a token in the header: Authorization: Bearer cwx_…")
        raise ProblemError(ProblemCode.TOKEN_MISSING, detail, headers=_CHALLENGE)
    return text if text.isascii() and len(text) <= _MAX_LENGTH else ""


def _fault(token: ApiToken) -> ProblemCode | None:
    if token.state == ApiToken.State.REVOKED:
        return ProblemCode.TOKEN_REVOKED
    if token.state == ApiToken.State.EXPIRED:
        return ProblemCode.TOKEN_EXPIRED
    return None if token.user.is_active else ProblemCode.USER_DEACTIVATED


def _refusal(request: HttpRequest, code: ProblemCode, token: ApiToken | None) -> ProblemError:
    """Wrong tokens are counted by address; right ones of the same address are never refused."""
    if wait := _wrong.spend(client_address(request)):
        return _too_many(wait)
    params = {"expires_at": f"{token.expires_at:%Y-%m-%d %H:%M} UTC"} if token else {}
    challenge = {"WWW-Authenticate": f'{_CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'}
    return ProblemError(code, _(_REFUSED[code]) % params, headers=challenge)


def _too_many(wait: float) -> ProblemError:
    seconds = max(1, math.ceil(wait))
    detail = _("Ask again in %(seconds)s seconds.") % {"seconds": seconds}
    return ProblemError(ProblemCode.TOO_MANY, detail, headers={"Retry-After": str(seconds)})


def _check_rights(token: ApiToken, need: Need | None) -> None:
    """The smaller of the token's scope and its user's present role decides."""
    allowed = ROLE_OF_SCOPE[token.scope]
    if not isinstance(need, Role):
        raise ProblemError(ProblemCode.NOT_PERMITTED)
    if not allowed.includes(need):
        detail = _("This needs a token with scope %(scope)s; this one has %(own)s.")
        params = {"scope": SCOPE_OF_ROLE[need], "own": token.scope}
        raise ProblemError(ProblemCode.NOT_PERMITTED, detail % params)
    if not meets(token.user, need):
        detail = _("This needs the role %(role)s, which %(user)s does not have. Ask an admin.")
        params = {"role": str(need.label), "user": token.user.get_username()}
        raise ProblemError(ProblemCode.NOT_PERMITTED, detail % params)


def _check_accepted(request: HttpRequest, url_name: str) -> None:
    offered = _TYPES.get(url_name, ("application/json", "application/problem+json"))
    if not any(request.accepts(kind) for kind in offered):
        detail = _("This is offered: %(types)s. Name it, or */*, in the header Accept.")
        raise ProblemError(ProblemCode.NOT_ACCEPTABLE, detail % {"types": ", ".join(offered)})


def _accept(request: HttpRequest, token: ApiToken) -> None:
    token.record_use(client_address(request))
    request.user = token.user
    request.api_token = token  # type: ignore[attr-defined]
    setattr(request, TOKEN_NAME, token.name)
