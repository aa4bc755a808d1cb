"""Fixtures of the pages: a signed-in user, and runs in every state, created by model methods."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.models import Connection, DateChange, LedgerEntry, Run, RunLogEntry, Task
from exports.models.ledger import Version
from exports.storage import files
from tests.conftest import save_task

OWNER = "worker-1"
CONTENT = b'<?xml version="1.0" encoding="utf-8"?>\n<Batches />\n'
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("Admin1", password="correct horse", is_superuser=True)


@pytest.fixture
def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def connection(db: None) -> Connection:
    """A connection that no page calls."""
    made = Connection(
        name="Acme", site="https://na.myconnectwise.net", company="acme", public_key="AbCdEf"
    )
    made.write_private_key("pK-9z")
    made.save()
    return made


@pytest.fixture
def make_task(connection: Connection) -> Callable[..., Task]:
    return lambda **fields: save_task(connection, **fields)


def start(task: Task, user: User | None = None) -> Run:
    """A run that a worker has claimed."""
    run = task.queue_run(Run.Trigger.MANUAL, user)
    assert run.claim(OWNER)
    return run


def succeed(task: Task, user: User | None = None, **fields: Any) -> Run:
    """A successful run with a file on disk."""
    run = start(task, user)
    name = f"runs/run-{run.pk}-{run.attempt}.xml"
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    files.store().put(name, BytesIO(CONTENT), size=len(CONTENT), sha256=sha256)
    RunLogEntry.objects.create(run=run, level="info", message="284 batches fetched.")
    figures = {"fetched_count": 290, "skipped_count": 6, "expected_count": 290, "page_count": 3}
    figures["within_count"] = fields.get("fetched_count", figures["fetched_count"])
    outcome = {
        "connectwise_started_at": T0,
        "batch_count": 284,
        "proven_count": 290,
        "file_path": name,
        "file_name": "batches.xml",
        "file_size": len(CONTENT),
        "file_sha256": sha256,
        "request_sent": "id > 0",
        "date_created_after": run.date_created_before,
        "date_modified_after": run.date_modified_before,
    }
    run.succeed(OWNER, **{**figures, **outcome, **fields})
    return run


def put_out(
    run: Run,
    *batch_ids: int,
    last_updated: str = "2026-02-03T04:05:06Z",
    identifier: str = "BATCH-{}",
) -> None:
    """Write the ledger entries of a run's file."""
    versions = [
        Version(number, last_updated, f"{number:032x}", None, identifier.format(number))
        for number in batch_ids
    ]
    LedgerEntry.objects.stage(run, versions)


def fail(task: Task, sentence: str = "ConnectWise answered 401.") -> Run:
    run = start(task)
    run.fail(OWNER, sentence)
    return run


def move_date(task: Task, run: Run, field: str, moment: datetime) -> None:
    """Move a date of the task, as the success of `run` does (W2)."""
    Task.objects.filter(pk=task.pk).update(**{field: moment})
    DateChange.objects.create(
        task=task,
        field=field,
        origin=DateChange.Origin.RUN,
        date_before=getattr(task, field),
        date_after=moment,
        run_id=run.pk,
        changed_at=T0 + timedelta(minutes=1),
    )
