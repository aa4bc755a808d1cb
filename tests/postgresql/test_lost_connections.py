"""The server ends every connection at a bad moment, as when it is restarted or cut off."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client

from exports.delivery.senders import Senders
from exports.demo.server import StandIn
from exports.models import ApiToken, Task
from exports.workers import jobs
from tests.conftest import MakeTask
from tests.pipeline.outcomes import exported_versions, log_of, unclaimed_files, versions_in
from tests.workers.processes import at_page, fresh, queue, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)


def end_connections() -> None:
    """All of this database but the one that does it."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def lost_after(is_it: Callable[[str], bool]) -> Iterator[None]:
    """The connection ends once, after the server did a statement and before we heard of it."""
    is_lost = False

    def execute(do: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_lost
        answer = do(sql, params, many, context)
        if not is_lost and is_it(sql):
            is_lost = True
            raw = database.connection
            raw.pgconn.finish()
            do("SELECT 1", (), False, context)
        return answer

    with database.execute_wrapper(execute):
        yield
    assert is_lost


@pytest.mark.rule("Q3", "Q5")
@pytest.mark.parametrize("page", [1, 3])
def test_run_goes_on(task: Task, stand_in: StandIn, page: int) -> None:
    run = queue(task)
    at_page(stand_in, page, end_connections)
    jobs.execute_here(run.pk, 1)
    work_off_queue()

    assert fresh(run).status == "succeeded"
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert unclaimed_files() == ()


def test_run_that_must_not_resume_begins_anew(make_task: MakeTask, stand_in: StandIn) -> None:
    run = queue(make_task(can_resume_from_failure=False))
    at_page(stand_in, 3, end_connections)
    jobs.execute_here(run.pk, 1)
    work_off_queue()

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert "begins anew" in log_of(run, "warning")
    assert exported_versions(fresh(run)) == versions_in(stand_in)


def test_claim_whose_answer_was_lost_is_a_claim(task: Task) -> None:
    run = queue(task)
    with lost_after(lambda sql: "UPDATE" in sql and "exports_run" in sql and "EXISTS" in sql):
        jobs.execute_here(run.pk, 1)

    assert (fresh(run).status, fresh(run).attempt) == ("succeeded", 1)


def test_success_whose_answer_was_lost_is_recorded_once(task: Task) -> None:
    run = queue(task)
    with lost_after(lambda sql: "exports_runsummary" in sql and sql.startswith("INSERT")):
        jobs.execute_here(run.pk, 1)

    assert fresh(run).status == "succeeded"
    assert fresh(run).task.run_summaries.count() == 1


@contextmanager
def standstill_after(is_it: Callable[[str], bool]) -> Iterator[None]:
    """The process stands still once, within a transaction and for longer than the server waits."""
    is_over = False

    def execute(do: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_over
        answer = do(sql, params, many, context)
        if not is_over and is_it(sql) and database.in_atomic_block:
            is_over = True
            # Beside the cursor, which still has the answer.
            database.connection.execute("SET idle_in_transaction_session_timeout = '50ms'")
            time.sleep(2)
        return answer

    with database.execute_wrapper(execute):
        yield
    assert is_over


@pytest.mark.rule("Q3", "Q5")
@pytest.mark.parametrize("table", ["exports_runsummary", "exports_runlogentry"])
def test_session_ended_for_standing_still_is_made_again(
    task: Task, stand_in: StandIn, table: str
) -> None:
    run = queue(task)
    with standstill_after(lambda sql: sql.startswith("INSERT") and table in sql):
        jobs.execute_here(run.pk, 1)
        work_off_queue()

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert fresh(run).task.run_summaries.count() == 1


# psycopg warns of a connection that it could not make.
cannot_connect = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def no_server() -> Iterator[None]:
    """Nobody listens where the database was."""
    used = dict(database.settings_dict)
    database.close()
    database.settings_dict.update(HOST="127.0.0.1", PORT="1")
    try:
        yield
    finally:
        database.close()
        database.settings_dict.update(used)


@pytest.fixture
def patient(client: Client) -> Client:
    """A browser that gets error pages instead of exceptions."""
    client.raise_request_exception = False
    return client


@cannot_connect
def test_page_says_that_the_database_does_not_answer(
    patient: Client, admin_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    patient.force_login(admin_user)
    with no_server():
        response = patient.get("/runs/")

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "The database does not answer right now" in response.content.decode()
    [line] = [record for record in caplog.records if record.name.startswith("exports.views")]
    assert "/runs/: the database did not answer" in line.getMessage()
    assert [record for record in caplog.records if record.exc_info] == []
    assert patient.get("/runs/").status_code == 200


@cannot_connect
def test_sender_without_database_ends_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with no_server():
        Senders(lambda: False)._send_all(1)

    [line] = [record for record in caplog.records if "destination 1" in record.getMessage()]
    assert line.exc_info is None


@cannot_connect
def test_program_is_told_to_ask_again(patient: Client, admin_user: User) -> None:
    _row, token = ApiToken.objects.issue(admin_user, "robot", "read", 1)
    headers = {"Authorization": f"Bearer {token}"}
    with no_server():
        response = patient.get("/api/v1/runs", headers=headers)

    assert (response.status_code, response.json()["code"]) == (503, "database.unavailable")
    assert response["Retry-After"] == "5"
