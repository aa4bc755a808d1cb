"""The page of the audit log: sentences, filters, pages, CSV, and the history of one object."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from exports.access.roles import Role, set_role
from exports.acting import Actor, ActorKind
from exports.models import AuditAction, AuditEntry, Task, record_action
from exports.reporting import audit_csv
from exports.reporting.audit_filters import older_than
from exports.reporting.audit_words import action_words
from exports.sign_in.errors import SignOnErrorCode
from tests.screen_fixtures import succeed

pytestmark = pytest.mark.rule("L2")
LIST = "/settings/audit-log/"
MakeTask = Callable[..., Task]
ANNA = Actor(ActorKind.PERSON, "Anna", 7, address="192.0.2.9")
ROBOT = Actor(ActorKind.TOKEN, "Anna", 7, program="nightly script")

LOADING = Actor(ActorKind.COMMAND, "root", program="load_config")


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_page_says_who_changed_what(signed_in: Client, task: Task) -> None:
    changes = {"page_size": [25, 100], "export": ["all", "new"], "secrets": "changed"}
    record_action(AuditAction.TASK_CHANGED, task, changes, actor=ROBOT)

    page = page_of(signed_in)

    assert "Task Nightly batches was changed</a>" in page
    assert "Anna, token nightly script" in page
    assert "<dt>Page Size</dt> <dd> <del>25</del>" in page
    assert "<ins>New</ins>" in page


def test_failed_login_of_nobody_reads_as_sentence(signed_in: Client) -> None:
    record_action(AuditAction.LOGIN_FAILED, None, {"reason": ["", "password"]})
    record_action(AuditAction.FACTOR_ADDED, None, {"second factor": ["", "totp"]})

    page = page_of(signed_in)

    assert "A login as somebody unknown failed" in page
    assert "<ins>wrong password</ins>" in page
    assert "<ins>Authenticator app</ins>" in page


@pytest.mark.parametrize("code", SignOnErrorCode.values)
def test_refused_sign_on_reads_as_sentence(signed_in: Client, code: str) -> None:
    record_action(AuditAction.SIGN_ON_REFUSED, None, {"reason": ["", code]})

    page = page_of(signed_in)

    assert f"<ins>{code}</ins>" not in page
    assert re.search(r"<ins>[^<]+ [^<]+\.</ins>", page)


def test_page_is_for_admins(db: None, client: Client) -> None:
    person = User.objects.create_user("Otto")
    set_role(person, Role.OPERATOR)
    client.force_login(person)

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}export.csv").status_code == 403


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?who=Anna", 1),
        ("?who=nobody", 0),
        ("?action=task.changed", 1),
        ("?object=task&number=4711", 0),
        ("?object=run", 0),
        ("?from=2020-01-01&to=2020-01-02", 0),
        ("?from=2020-01-01", 2),
    ],
)
def test_filters_narrow_the_list(signed_in: Client, task: Task, query: str, count: int) -> None:
    record_action(AuditAction.TASK_CHANGED, task, actor=ANNA)
    record_action(AuditAction.TASK_ARCHIVED, task, actor=LOADING)

    assert page_of(signed_in, query).count('<td class="name">') == count


def test_unreadable_filter_is_said(signed_in: Client) -> None:
    assert "field-error" in page_of(signed_in, "?from=yesterday")
    answer = signed_in.get(f"{LIST}export.csv?from=yesterday")
    assert answer.headers["Location"] == f"{LIST}?from=yesterday"


def test_pages_follow_one_another(signed_in: Client, task: Task) -> None:
    for number in range(120):
        record_action(AuditAction.TASK_CHANGED, task, {"page_size": [number, number + 1]})
    seen, query = [], ""
    while True:
        answer: Any = signed_in.get(LIST + query)
        seen += [line.entry.pk for line in answer.context["lines"]]
        query = answer.context["older"]
        if not query:
            break

    assert seen == sorted(AuditEntry.objects.values_list("pk", flat=True), reverse=True)


def test_same_moment_loses_no_entry(task: Task) -> None:
    entries = [record_action(AuditAction.TASK_CHANGED, task) for _ in range(3)]
    now = timezone.now() - timedelta(days=1)
    same = [AuditEntry(action="task.changed", recorded_at=now, kept_until=now) for _ in range(3)]
    for entry in same:
        entry.save()

    rest = older_than(AuditEntry.objects.newest_first(), same[2])

    assert list(rest) == [same[1], same[0]]
    assert len(entries) == 3


def test_csv_is_safe_and_streamed(
    signed_in: Client, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_csv, "_PORTION", 2)
    for name in ("=1+1", "b", "c", "d", "e"):
        record_action(AuditAction.TASK_CHANGED, task, {"name": [None, name]}, name=name)

    answer: Any = signed_in.get(f"{LIST}export.csv?action=task.changed")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [row["object_name"] for row in rows] == ["e", "d", "c", "b", "'=1+1"]
    assert rows[0]["action"] == "task.changed"
    assert rows[0]["changes"] == '{"name": [null, "e"]}'


def test_each_object_leads_to_its_history(signed_in: Client, task: Task) -> None:
    record_action(AuditAction.TASK_CHANGED, task, actor=ANNA)
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    way = f"{LIST}?object=task&amp;number={task.pk}"

    assert way in page
    assert "Task Nightly batches was changed" in page_of(signed_in, way.removeprefix(LIST))


def test_run_page_names_who_downloaded(signed_in: Client, task: Task) -> None:
    run = succeed(task)
    b"".join(signed_in.get(reverse("run-download", args=[run.pk])).streaming_content)  # type: ignore[attr-defined]

    page = " ".join(signed_in.get(reverse("run-detail", args=[run.pk])).content.decode().split())

    assert "<li>Admin1: the file, <time" in page


def test_every_action_has_words() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            words = [action_words(action.value) for action in AuditAction]
            assert all("%" not in one for one in words)
            assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    "query", ["", "?who=Anna", "?action=task.changed", "?object=task&number=7", "?object=task"]
)
def test_page_reads_an_index(signed_in: Client, task: Task, query: str) -> None:
    """Whatever is filtered, the newest entries come from an index, unsorted."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page_of(signed_in, query)
    [sql] = [one["sql"] for one in asked if 'FROM "exports_auditentry"' in one["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = " ".join(str(row) for row in cursor.fetchall())

    assert "audit_" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
