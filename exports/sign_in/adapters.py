"""What django-allauth asks this installation: encryption, names, and whom it may call."""

from typing import Any

import requests
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth.models import User

from exports.models import secrets


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return str(settings.MFA_TOTP_ISSUER)

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def _get_site_name(self) -> str:
        """Shown by the browser while it asks for a key; allauth would name the host."""
        return str(settings.MFA_TOTP_ISSUER)


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Of the providers only the one of the settings; no account is ever found by its e-mail."""

    def list_apps(self, request: Any, provider: Any = None, client_id: Any = None) -> list[Any]:
        return []

    def authenticate_by_email(self, sociallogin: Any) -> None:
        return None

    def get_requests_session(self) -> requests.Session:
        # Loaded only where somebody signs on.
        from exports.sign_in.provider_calls import provider_session

        return provider_session()
