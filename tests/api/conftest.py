"""Tokens of each scope, and a program that uses them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.access.roles import Role, set_role
from exports.models import ApiToken

MakeToken = Callable[..., str]
API = "/api/v1"


class Program:
    """Sends requests as a program does: with a token, and nothing else."""

    def __init__(self, token: str, client: Client | None = None) -> None:
        self.token = token
        # Otherwise an error would end the test before the answer of the product is made.
        self._client = client or Client(raise_request_exception=False)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(API + path, headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        sent = "" if body is None else body
        return self._client.post(
            API + path, sent, content_type="application/json", headers=self._headers(headers)
        )

    def _headers(self, others: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in others.items()}
        return {"Authorization": f"Bearer {self.token}", **named}


@pytest.fixture
def person(db: None) -> User:
    user = User.objects.create_user("nightly")
    set_role(user, Role.ADMIN)
    return user


@pytest.fixture
def make_token(person: User) -> MakeToken:
    def make(scope: str = "run", user: User = person, **fields: Any) -> str:
        values = {"name": "cron", "days": 1, **fields}
        return ApiToken.objects.issue(user, scope=scope, **values)[1]

    return make


@pytest.fixture
def program(make_token: MakeToken) -> Program:
    return Program(make_token())
