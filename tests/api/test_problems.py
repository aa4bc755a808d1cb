"""Whatever goes wrong below /api/ is answered as a problem in JSON, never as a page (rule I1)."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.models import Run, Task
from tests.api.conftest import API, Program

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I1")]


def problem(answer: Any) -> tuple[int, str]:
    """Status and code, once the answer has the form of a problem."""
    assert answer["Content-Type"] == "application/problem+json", answer.content[:200]
    found = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(found)
    assert found["status"] == answer.status_code
    assert found["type"] == f"/api/v1/docs#{found['code']}"
    return answer.status_code, found["code"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/tasks", "/api/v1/", "/api/v1/tasks/"])
def test_unknown_address_is_a_problem(path: str) -> None:
    assert problem(Client().get(path)) == (404, "request.not_found")
    assert problem(Client().post(path)) == (404, "request.not_found")


@pytest.mark.parametrize("number", ["0", "999", "-1", "1e3", "9" * 30, "%00", "٣"])
def test_unknown_id_is_a_problem(program: Program, number: str) -> None:
    status, _code = problem(program.get(f"/runs/{number}"))

    assert status in (400, 404, 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1.0", "limit"),
        ("after=-1", "after"),
        ("after=" + "9" * 30, "after"),
        ("status=unknown", "status"),
        ("status=", "status"),
        ("from=yesterday", "from"),
        ("from=0", "from"),
        ("to=2026-02-30", "to"),
        ("sttaus=failed", "sttaus"),
    ],
)
def test_unusable_parameter_is_named(program: Program, query: str, field: str) -> None:
    answer = program.get(f"/runs?{query}")

    assert problem(answer) == (422, "request.invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"{", "application/json", (400, "request.malformed")),
        (b"\xff\xfe", "application/json", (400, "request.malformed")),
        (b'{"destination": NaN}', "application/json", (400, "request.malformed")),
        (b'{"destination": 1, "destination": 2}', "application/json", (400, "request.malformed")),
        (b"[" * 30_000, "application/json", (400, "request.malformed")),
        (b'{"destination": ' + b"9" * 5_000 + b"}", "application/json", (400, "request.malformed")),
        (b'{"destination": 1' + b"0" * 30 + b"}", "application/json", (422, "request.invalid")),
        (b'{"destination": "\\u0000"}', "application/json", (422, "request.invalid")),
        (b'{"destination": "\\ud800"}', "application/json", (422, "request.invalid")),
        (b'{"destination": true}', "application/json", (422, "request.invalid")),
        (b'{"destination": 1, "more": 2}', "application/json", (422, "request.invalid")),
        (b"", "application/json", (422, "request.invalid")),
        (b"null", "application/json", (422, "request.invalid")),
        (b"a=b", "application/x-www-form-urlencoded", (415, "request.media_type")),
        (b"--x", "multipart/form-data; boundary=x", (415, "request.media_type")),
        (b" " * 65_537, "application/json", (413, "request.too_large")),
    ],
)
def test_unreadable_body_is_a_problem(
    program: Program, body: bytes, kind: str, expected: tuple[int, str]
) -> None:
    headers = {"Authorization": f"Bearer {program.token}"}
    answer = Client(raise_request_exception=False).generic(
        "POST", f"{API}/runs/1/deliveries", body, kind, headers=headers
    )

    assert problem(answer) == expected


def test_wrong_method_names_the_right_one(program: Program) -> None:
    answer = Client().delete(f"{API}/tasks", headers={"Authorization": f"Bearer {program.token}"})

    assert problem(answer) == (405, "request.method")
    assert answer["Allow"] == "GET"


def test_head_is_get_without_body(program: Program, task: Task) -> None:
    answer = Client().head(f"{API}/tasks", headers={"Authorization": f"Bearer {program.token}"})

    assert (answer.status_code, answer.content) == (200, b"")


def test_another_type_is_not_offered(program: Program) -> None:
    assert problem(program.get("/tasks", Accept="text/html")) == (406, "request.not_acceptable")
    assert program.get("/tasks", Accept="text/html, */*;q=0.1").status_code == 200


def test_fault_inside_is_a_problem(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run.objects.__class__, "filter", None)

    assert problem(program.get("/runs")) == (500, "internal.unexpected")


def test_strange_host_and_long_address_are_problems(program: Program) -> None:
    assert problem(program.get("/tasks", Host="evil.example"))[0] == 400
    assert problem(program.get(f"/tasks?name={'a' * 5_000}")) == (400, "request.too_long")


@pytest.mark.rule("A1")
def test_login_of_browser_is_no_token(task: Task) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))

    assert problem(client.get(f"{API}/tasks")) == (401, "token.missing")
    assert problem(client.post(f"{API}/tasks/{task.pk}/runs"))[0] == 401
    assert not Run.objects.exists()
