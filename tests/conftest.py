"""Fixtures that most tests need: a stand-in ConnectWise, a connection to it, and a task."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
from django.db import connection as database
from pytest_django import DjangoDbBlocker, Settings

from exports import clock
from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import Connection, Run, Task
from tests import audit_triggers
from tests.demo.stand_in_fixtures import certificates, stand_in, tls_stand_in
from tests.management import databases
from tests.slow_files import SLOW_FILES
from tests.stores import each_store, s3_process, s3_server, s3_store
from tests.workers.queues.fixtures import broker, engine, redis_server

__all__ = [
    "broker",
    "certificates",
    "each_store",
    "engine",
    "redis_server",
    "s3_process",
    "s3_server",
    "s3_store",
    "stand_in",
    "tls_stand_in",
]

# The property by which a test tells it; `record_property(INSTEAD, …)`.
INSTEAD = "instead"

# How long an example takes says how busy the machine is, and nothing about the product.
hypothesis.settings.register_profile(
    "any_load", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any_load")

# A test that travels in time cannot take a PostgreSQL server along: in this process the database's
# clock is our own. Processes that tests start measure it, as do tests of just that.
clock._clock = clock.DatabaseClock(measure=timedelta)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips", action="store_true", help="a skipped test fails the test run"
    )
    parser.addoption(
        "--api-examples", type=int, default=1, help="how many examples schemathesis makes up"
    )
    parser.addoption("--rule", help="only the tests of this rule of docs/rules.md, e.g. W4")


# Before -m chooses by markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.location[0] in SLOW_FILES:
            item.add_marker("slow")
    wanted = config.getoption("--rule")
    if wanted:
        chosen = [
            item
            for item in items
            if any(wanted in marker.args for marker in item.iter_markers("rule"))
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    databases.drop_all()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.config.getoption("--strict-skips") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a test did in place of what this machine does not permit."""
    for report in terminalreporter.stats.get("passed", []):
        for name, told in report.user_properties:
            if name == INSTEAD:
                terminalreporter.write_line(f"{report.nodeid}: {told}")


MakeTask = Callable[..., Task]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    """Every test has its own run files."""
    settings.CWEXPORT_DATA_DIR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture(autouse=True)
def chosen_queue(request: pytest.FixtureRequest) -> None:
    """With CWEXPORT_TEST_QUEUE=redis, tests that know no engine have theirs on Redis."""
    if os.environ.get("CWEXPORT_TEST_QUEUE") == "redis":
        request.getfixturevalue("broker")


@pytest.fixture(autouse=True)
def not_shutting_down() -> Iterator[None]:
    """Reset the process-wide flag that a worker's signal handler sets."""
    from exports.pipeline.lease import shutdown

    shutdown.clear()
    yield
    shutdown.clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Some tests end with emptying all tables, which the audit log would refuse."""
    with django_db_blocker.unblock():
        audit_triggers.permit_emptying()
        if database.vendor == "postgresql":
            database.ops.sql_flush = _delete_all_rows
            databases.commit_without_waiting(str(database.settings_dict["NAME"]))
            database.close()


def _delete_all_rows(style: object, tables: Iterable[str], **_: object) -> list[str]:
    """TRUNCATE makes new files for each table and index: a hundred times slower for a few rows."""
    deletes = (f"DELETE FROM {database.ops.quote_name(table)}" for table in tables)
    return ["; ".join(("SET CONSTRAINTS ALL DEFERRED", *deletes))]


@pytest.fixture
def connection(db: None, stand_in: StandIn) -> Connection:
    """A connection that the stand-in accepts."""
    return make_connection(stand_in)


@pytest.fixture
def make_task(connection: Connection) -> MakeTask:
    """A function that saves a task, by default an All export with pages of 25."""
    return lambda **fields: save_task(connection, **fields)


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()


def make_connection(stand_in: StandIn, **fields: object) -> Connection:
    account = Account()
    values: dict[str, object] = {
        "name": "Stand-in",
        "site": stand_in.url,
        "company": account.company,
        "public_key": account.public_key,
        "client_id": account.client_id,
    }
    made = Connection(**{**values, **fields})
    made.write_private_key(account.private_key)
    made.save()
    return made


def save_task(connection: Connection, **fields: object) -> Task:
    values: dict[str, object] = {
        "name": "Nightly batches",
        "connection": connection,
        "export": "all",
        "page_size": 25,
        "output_file": "batches.xml",
    }
    saved = Task.objects.create(**{**values, **fields})
    saved.record_typed_dates(None, None)
    return saved


def run_now(task: Task, trigger: str = Run.Trigger.MANUAL) -> Run:
    """Queue a run, then execute and deliver it in this process, as a worker does."""
    from exports.delivery.sending import send_due
    from exports.workers import jobs

    run = jobs.queue_run(Task.objects.get(pk=task.pk), trigger)
    jobs.execute_here(run.pk, run.attempt)
    send_due()
    return Run.objects.get(pk=run.pk)
