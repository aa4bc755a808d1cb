"""A token acts within its scope and its user's present role, until it ends (rule I2)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from exports.access.roles import Role, set_role
from exports.api import tokens
from exports.api.allowances import Allowances
from exports.models import ApiToken, Run, Task
from tests.api.conftest import API, MakeToken, Program

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I2")]


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.rule("A1")
@pytest.mark.parametrize(
    ("scope", "role", "statuses"),
    [
        ("read", Role.ADMIN, (200, 403, 403)),
        ("run", Role.ADMIN, (200, 201, 403)),
        ("admin", Role.ADMIN, (200, 201, 404)),
        ("admin", Role.OPERATOR, (200, 201, 403)),
        ("admin", Role.VIEWER, (200, 403, 403)),
        ("admin", None, (403, 403, 403)),
    ],
)
def test_smaller_of_scope_and_role_decides(
    make_token: MakeToken,
    person: User,
    task: Task,
    scope: str,
    role: Role | None,
    statuses: tuple[int, int, int],
) -> None:
    program = Program(make_token(scope))
    set_role(person, role)

    answers = (
        program.get("/tasks"),
        program.post(f"/tasks/{task.pk}/runs"),
        program.post("/schedules/1/pause"),
    )

    assert tuple(answer.status_code for answer in answers) == statuses


def test_ended_tokens_are_refused_by_code(make_token: MakeToken, person: User) -> None:
    valid, expired, revoked = (Program(make_token()) for _ in range(3))
    of_text = ApiToken.objects.of_text
    ApiToken.objects.filter(pk=of_text(expired.token).pk).update(expires_at=timezone.now())  # type: ignore[union-attr]
    of_text(revoked.token).revoke()  # type: ignore[union-attr]

    assert valid.get("/tasks").status_code == 200
    assert outcome(expired.get("/tasks")) == (401, "token.expired")
    assert outcome(revoked.get("/tasks")) == (401, "token.revoked")
    assert outcome(Program(valid.token[:-1]).get("/tasks")) == (401, "token.unknown")

    User.objects.filter(pk=person.pk).update(is_active=False)

    assert outcome(valid.get("/tasks")) == (401, "token.user_deactivated")


@pytest.mark.parametrize(
    "header",
    ["", "{}", "Basic {}", "Bearer", "Bearer  ", "Bearer ä", "Bearer {} {}", "Token {}"],
)
def test_anything_but_bearer_is_refused(program: Program, header: str) -> None:
    sent = header.replace("{}", program.token)

    answer = Client().get(f"{API}/tasks", headers={"Authorization": sent})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_token_works_nowhere_else(program: Program, task: Task) -> None:
    headers = {"Authorization": f"Bearer {program.token}"}
    token = program.token

    assert Client().get(f"{API}/tasks?access_token={token}&token={token}").status_code == 401
    assert Client().get("/tasks/", headers=headers).status_code == 302
    assert Client().post(f"/tasks/{task.pk}/run/", headers=headers).status_code == 302
    assert not Run.objects.exists()


def test_guessing_locks_nobody_else_out(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_wrong", Allowances(3))

    refused = [Program(f"cwx_{number}").get("/tasks") for number in range(5)]

    assert [answer.status_code for answer in refused] == [401, 401, 401, 429, 429]
    assert int(refused[-1]["Retry-After"]) > 0
    # From the same address.
    assert program.get("/tasks").status_code == 200


def test_each_token_has_its_own_allowance(
    make_token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_requests", Allowances(2))
    busy, other = Program(make_token()), Program(make_token())

    answers = [busy.get("/health") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert other.get("/health").status_code == 200


def test_last_use_is_written_once_a_minute(program: Program) -> None:
    program.get("/health")
    first = ApiToken.objects.get()
    assert first.last_used_from == "127.0.0.1"

    program.get("/health")
    assert ApiToken.objects.get().last_used_at == first.last_used_at

    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    program.get("/health")
    assert ApiToken.objects.get().last_used_at >= first.last_used_at  # type: ignore[operator]
