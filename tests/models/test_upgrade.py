"""A database of the first version is upgraded with all its content."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from tests.processes import ROOT

FIRST_VERSION = "0003_failures_and_copies"
_NOW = "2026-03-01 12:00:00"
_RUN = {
    "task_id": 1,
    "task_name": "Nightly batches",
    "connection_id": 1,
    "site": "https://na.myconnectwise.net",
    "company": "acme",
    "public_key": "Public",
    "client_id": "",
    "conditions": "",
    "export": "modified",
    "date_created_before": _NOW,
    "date_modified_before": _NOW,
    "page_size": 100,
    "output_file": "batches.xml",
    "include_extra_fields": 0,
    "parallel_requests": 4,
    "can_resume": 1,
    "leaves_out_known": 1,
    "window_reason": "",
    "again_ids": "[]",
    "attempt": 1,
    "owner": "",
    "queued_at": _NOW,
    "activity": "",
    "request_sent": "",
    "part_name": "",
    "part_sha256": "",
    "lost_count": 2,
    "api_version": "",
    "file_name": "batches.xml",
    "copy_draft": "",
    "suspicion": "",
    "error": "",
    "is_failure_open": 0,
    "page_count": 1,
    "retry_count": 0,
    "fetched_count": 9,
    "within_count": 9,
    "left_out_count": 4,
    "repeated_count": 0,
    "replaced_count": 0,
    "is_copy_pending": 0,
    "file_path": "",
    "file_sha256": "",
}
_RUNS = (
    {
        "trigger": "manual",
        "status": "succeeded",
        "batch_count": 5,
        "file_path": "runs/run-1-1.xml",
        "file_sha256": "a" * 64,
        "is_copy_pending": 1,
        "boundary_id": 284,
    },
    {
        "trigger": "again",
        "status": "succeeded",
        "again_of_id": 1,
        "batch_count": 5,
        "file_path": "runs/run-2-1.xml",
        "file_sha256": "b" * 64,
    },
    {"trigger": "manual", "status": "failed", "error": "ConnectWise antwortete mit 403."},
    {"trigger": "manual", "status": "queued", "activity": "Wartet auf einen Worker"},
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "first.sqlite3"
    _manage(file, "migrate", "exports", FIRST_VERSION)
    _manage(file, "migrate", "auth")
    with _opened(file) as connection:
        _insert(
            connection,
            "connection",
            name="Acme",
            site=_RUN["site"],
            company="acme",
            public_key="Public",
            private_key_token="",
            client_id="",
            parallel_requests=4,
            is_default=1,
            created_at=_NOW,
            last_test_steps="[]",
        )
        _insert_task(connection)
        for run in _RUNS:
            _insert(connection, "run", **{**_RUN, **run})
    return file


def test_first_database_keeps_its_runs(database: Path) -> None:
    _manage(database, "migrate")

    with _opened(database) as connection:
        columns = "trigger, skipped_count, skips_known, start_id, reexport_of_id, stalled_count"
        rows = connection.execute(f"SELECT {columns} FROM exports_run ORDER BY id").fetchall()
        errors = connection.execute("SELECT error, activity FROM exports_run ORDER BY id")
        assert rows == [
            ("manual", 4, 1, 284, None, 2),
            ("reexport", 4, 1, None, 1, 2),
            ("manual", 4, 1, None, None, 2),
            ("manual", 4, 1, None, None, 2),
        ]
        assert errors.fetchall()[2:] == [
            ("ConnectWise antwortete mit 403.", ""),
            ("", "waiting_for_worker"),
        ]
        pending = "SELECT run_id FROM exports_delivery WHERE state = 'waiting'"
        assert connection.execute(pending).fetchall() == [(1,)]
        tallies = "SELECT result, run_count, batch_count FROM exports_runtally ORDER BY result"
        assert connection.execute(tallies).fetchall() == [("failed", 1, 0), ("succeeded", 2, 10)]


def test_tasks_that_share_a_file_go_on(database: Path) -> None:
    with _opened(database) as connection:
        names = ("zo\u00eb.xml", "zoe\u0308.xml", "ZO\u00cb.xml")
        for number, name in enumerate(names, 2):
            _insert_task(connection, name=str(number), unique_id=f"{number:032}", output_file=name)
        archived = {"name": "5", "unique_id": "5" * 32, "archived_at": _NOW}
        _insert_task(connection, **archived, output_file="zo\u00eb.xml")
    _manage(database, "migrate")

    with _opened(database) as connection:
        columns = "output_file, output_file_key"
        rows = connection.execute(f"SELECT {columns} FROM exports_task ORDER BY id").fetchall()
    assert rows == [
        ("batches.xml", "batches.xml"),
        ("zo\u00eb.xml", "zo\u00eb.xml"),
        ("zoe\u0308.xml", "zo\u00eb.xml/3"),
        ("ZO\u00cb.xml", "zo\u00eb.xml/4"),
        ("zo\u00eb.xml", "zo\u00eb.xml"),
    ]


def test_jobs_queued_before_are_found() -> None:
    job = import_string("exports.jobs.execute_run")
    assert job is import_string("exports.workers.jobs.execute_run")


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection, connection:
        yield connection


def _insert_task(connection: sqlite3.Connection, **others: object) -> None:
    values = {
        "name": "Nightly batches",
        "connection_id": 1,
        "unique_id": "0" * 32,
        "date_created": _NOW,
        "date_modified": _NOW,
        "export": "modified",
        "page_size": 100,
        "references_to_fetch_page_size": 100,
        "output_file": "batches.xml",
        "include_extra_fields": 0,
        "enabled": 1,
        "can_resume_from_failure": 1,
        "break_on_failure": 0,
        "created_at": _NOW,
    }
    _insert(connection, "task", **{**values, **others})


def _insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    statement = f"INSERT INTO exports_{table} ({names}) VALUES ({marks})"
    connection.execute(statement, list(values.values()))


def _manage(database: Path, *arguments: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cwexport.settings",
        "DATABASE_URL": f"sqlite:///{database}",
        "CWEXPORT_DATA_DIR": str(database.parent / "var"),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
