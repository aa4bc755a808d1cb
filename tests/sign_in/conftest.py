"""A person who has logged in, and an authenticator app of theirs."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from exports.sign_in import factors
from exports.sign_in.codes import STEP_SECONDS
from tests.screen_fixtures import signed_in, user

__all__ = ["signed_in", "user"]
PASSWORD = "correct horse"


class App:
    """An authenticator app whose clock may be wrong."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def code(self, minutes: float = 0) -> str:
        step = int(time.time() + minutes * 60) // STEP_SECONDS
        return format_hotp_value(hotp_value(self.secret, step))


@pytest.fixture
def app(user: User) -> App:
    """The second factor of `user`."""
    secret = generate_totp_secret()
    factors.add_app(user, secret, step=0)
    return App(secret)


def type_password(client: Client, **fields: str) -> str:
    """Log in with the right password; where that leads."""
    form = {"username": "Admin1", "password": PASSWORD, **fields}
    return str(client.post("/login/", form).headers["Location"])


def type_code(client: Client, code: str) -> tuple[int, str]:
    """The status and the page after the second step."""
    response = client.post("/login/second-factor/", {"code": code})
    return response.status_code, response.content.decode()
