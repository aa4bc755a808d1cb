"""Encrypts what goes in and never comes out: keys, passwords, secret addresses (rule C3)."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from exports.logs.scrubbing import remember_secrets


def encrypt(text: str) -> str:
    """A Fernet token of `text`, made with the first encryption key."""
    remember_secrets(text)
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of a token. Raises cryptography's InvalidToken for another encryption key."""
    text = _fernet().decrypt(token.encode()).decode()
    # From now on this process could write it into its log.
    remember_secrets(text)
    return text


def is_readable(token: str) -> bool:
    """Whether one of this installation's encryption keys opens the token."""
    return _opens(token, tuple(settings.CWEXPORT_ENCRYPTION_KEYS))


@lru_cache(maxsize=4096)
def _opens(token: str, _keys: tuple[str, ...]) -> bool:
    """Cached: Home asks this of every connection each time it is shown."""
    try:
        decrypt(token)
    except InvalidToken:
        return False
    return True


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CWEXPORT_ENCRYPTION_KEYS])
