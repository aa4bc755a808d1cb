"""The way to the provider and back: django-allauth's state, PKCE and token request, and a nonce."""

import secrets
from typing import Any, Final

import requests
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from exports.sign_in.discovery import provider_config, sign_on
from exports.sign_in.errors import SignOnError, SignOnErrorCode
from exports.sign_in.id_tokens import Identity, read_id_token

LOGIN: Final = "login"
CONNECT: Final = "connect"


def address_of_provider(request: HttpRequest, process: str, page: str) -> str:
    """Where to send the browser; what must come back with it is kept in the session.

    Raises SignOnError.
    """
    nonce = secrets.token_urlsafe(24)
    answer: HttpResponseRedirect = _Provider(request, app=_app()).redirect(
        request,
        process,
        next_url=page,
        auth_params={"nonce": nonce},
        nonce=nonce,
        # Whom a connection is for: another person may log in here meanwhile.
        user=request.user.pk if process == CONNECT else None,
    )
    return answer.url


def finish(request: HttpRequest) -> tuple[Identity, dict[str, Any]]:
    """Who came back from the provider, and the state that was kept. Raises SignOnError."""
    if error := request.GET.get("error"):
        # Not every provider sends the state along; nothing is done anyway.
        is_cancelled = error in ("access_denied", "consent_required", "interaction_required")
        code = SignOnErrorCode.CANCELLED if is_cancelled else SignOnErrorCode.REFUSED_THERE
        raise SignOnError(code, error[:100])
    state = take_state(request)
    adapter = _Provider(request, app=_app()).get_oauth2_adapter(request)
    try:
        tokens = adapter.get_access_token_data(
            request,
            _app(),
            adapter.get_client(request, _app()),
            pkce_code_verifier=state["pkce_code_verifier"],
        )
    except OAuth2Error:
        # Its text repeats what was answered, which may hold a token.
        raise SignOnError(SignOnErrorCode.REFUSED_THERE, "no token for this code") from None
    except (requests.RequestException, ValueError, TypeError):
        raise SignOnError(SignOnErrorCode.NONSENSE, "no token answer") from None
    answered = tokens.get("id_token") if isinstance(tokens, dict) else None
    return read_id_token(answered, state["nonce"]), state


def take_state(request: HttpRequest) -> dict[str, Any]:
    """What was kept for the login that comes back: once, within ten minutes, in this browser."""
    state: dict[str, Any] | None = statekit.unstash_state(
        request, provider_id=sign_on().issuer, state_id=request.GET.get("state", "")
    )
    if state is None:
        raise SignOnError(SignOnErrorCode.STALE)
    return state


def _app() -> SocialApp:
    """As django-allauth wants it. Its id is the issuer, by which accounts are linked."""
    wanted = sign_on()
    return SocialApp(
        provider=OpenIDConnectProvider.id,
        provider_id=wanted.issuer,
        name=wanted.name,
        client_id=wanted.client_id,
        secret=wanted.client_secret,
        settings={"server_url": wanted.discovery_url, "oauth_pkce_enabled": True},
    )


class _Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    @property
    def openid_config(self) -> Any:
        return provider_config()

    def get_provider(self) -> "_Provider":
        return _Provider(self.request, app=_app())

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("sign-on-callback")
        if settings.CWEXPORT_PUBLIC_URL:
            base = settings.CWEXPORT_PUBLIC_URL.removesuffix(settings.FORCE_SCRIPT_NAME or "")
            return f"{base}{path}"
        return request.build_absolute_uri(path)


class _Provider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = _Adapter
