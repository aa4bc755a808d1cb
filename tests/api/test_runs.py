"""A program runs a task, follows the run, reads its log and fetches its file (rule I1)."""

import hashlib
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client

from exports.models import ApiToken, IdempotencyKey, LoginSession, Run, Task
from exports.workers import jobs
from tests.api.conftest import MakeToken, Program
from tests.conftest import MakeTask


def finish(run_id: int) -> None:
    run = Run.objects.get(pk=run_id)
    jobs.execute_here(run.pk, run.attempt)


@pytest.mark.rule("I1", "O5")
def test_program_runs_follows_and_downloads(program: Program, task: Task) -> None:
    [listed] = program.get("/tasks").json()["items"]
    started = program.post(f"/tasks/{listed['id']}/runs")

    assert started.status_code == 201
    run_id = started.json()["id"]
    assert program.get(f"/runs/{run_id}").json()["status"] == "queued"
    early = program.get(f"/runs/{run_id}/file")
    assert (early.status_code, early.json()["code"]) == (404, "run.no_file")

    finish(run_id)

    run = program.get(f"/runs/{run_id}").json()
    assert (run["status"], run["trigger"], run["requested_by"]) == ("succeeded", "api", "nightly")
    assert run["requested_with"] == "cron"
    assert run["started_at"].endswith("Z")
    answer = program.get(f"/runs/{run_id}/file")
    content = b"".join(answer.streaming_content)
    assert hashlib.sha256(content).hexdigest() == run["file"]["sha256"]
    assert f'filename="{run["file"]["name"]}"' in answer["Content-Disposition"]
    again = program.get(f"/runs/{run_id}/file", If_None_Match=answer["ETag"])
    assert again.status_code == 304
    lines = program.get(f"/runs/{run_id}/log").json()["items"]
    assert lines == sorted(lines, key=lambda line: line["id"])
    # Nothing of a browser is made for a program.
    assert not LoginSession.objects.exists()


@pytest.mark.rule("I1", "R1")
def test_second_run_is_refused_and_named(program: Program, task: Task) -> None:
    first = program.post(f"/tasks/{task.pk}/runs").json()

    second = program.post(f"/tasks/{task.pk}/runs")

    assert (second.status_code, second.json()["code"]) == (409, "run.active")
    assert second.json()["run_id"] == first["id"]


@pytest.mark.rule("I1")
def test_cancel_ends_queued_run_once(program: Program, person: User, task: Task) -> None:
    run_id = program.post(f"/tasks/{task.pk}/runs").json()["id"]

    cancelled = program.post(f"/runs/{run_id}/cancel")
    again = program.post(f"/runs/{run_id}/cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["cancel_requested_with"] == "cron"
    assert (again.status_code, again.json()["code"]) == (409, "run.over")
    browser = Client()
    browser.force_login(person)
    page = browser.get(f"/runs/{run_id}/").content.decode()
    assert "It was cancelled by nightly (token cron)." in page
    assert "by nightly (token cron)" in page.split("It was cancelled")[0]


@pytest.mark.rule("I1")
def test_same_key_repeats_the_answer(program: Program, make_task: MakeTask) -> None:
    task, other = make_task(), make_task(name="Weekly", output_file="weekly.xml")
    first = program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one")

    repeated = program.post(f"/tasks/{task.pk}/runs", {}, Idempotency_Key="one")
    elsewhere = program.post(f"/tasks/{other.pk}/runs", Idempotency_Key="one")
    different = program.post(f"/tasks/{task.pk}/runs", {"more": 1}, Idempotency_Key="one")

    assert (repeated.status_code, repeated.json()) == (201, first.json())
    assert repeated["Idempotency-Replayed"] == "true"
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "idempotency.key_reused")
    assert different.status_code == 422
    assert Run.objects.count() == 1


@pytest.mark.rule("I1")
def test_key_belongs_to_one_token(make_token: MakeToken, make_task: MakeTask) -> None:
    task, other = make_task(), make_task(name="Weekly", output_file="weekly.xml")
    mine, theirs = Program(make_token()), Program(make_token())

    first = mine.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one")
    second = theirs.post(f"/tasks/{other.pk}/runs", Idempotency_Key="one")

    assert first.status_code == second.status_code == 201


@pytest.mark.rule("I1")
def test_refused_request_keeps_no_key(program: Program, make_task: MakeTask) -> None:
    task = make_task(enabled=False)
    refused = program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one")
    Task.objects.update(enabled=True)

    allowed = program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one")

    assert (refused.status_code, refused.json()["code"]) == (409, "task.unusable")
    assert allowed.status_code == 201


@pytest.mark.rule("I1")
@pytest.mark.django_db(transaction=True)
def test_same_key_at_once_makes_one_run(make_token: MakeToken, task: Task) -> None:
    program, answers = Program(make_token()), list[Any]()

    def send() -> None:
        answers.append(program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one"))
        database.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert Run.objects.count() == IdempotencyKey.objects.count() == 1


def test_key_is_forgotten_after_a_day(program: Program, task: Task) -> None:
    from datetime import timedelta

    from django.utils import timezone

    first = program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one").json()
    program.post(f"/runs/{first['id']}/cancel")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))

    second = program.post(f"/tasks/{task.pk}/runs", Idempotency_Key="one").json()

    assert second["id"] != first["id"]
    assert ApiToken.objects.get().last_used_at is not None
