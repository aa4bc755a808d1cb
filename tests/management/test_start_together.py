"""Processes that start at the same moment on one database, empty or older than they are."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from exports.workers import start_lock
from tests.backups.conftest import place
from tests.backups.places import Place
from tests.management.installation import (
    free_port,
    is_listening,
    own_environment,
    serve_process,
    started,
    wait_until,
)
from tests.processes import ROOT

__all__ = ["place"]

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """As a process has it that brings the database up to date."""
    if place.url.startswith("sqlite"):
        with (place.folder / start_lock._FILE).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with psycopg.connect(place.url.replace("postgres://", "postgresql://")) as session:
        session.execute("SELECT pg_advisory_lock(%s)", [start_lock._KEY])
        yield


def test_two_migrate_an_empty_database_at_once(place: Place) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate"],
            cwd=ROOT,
            env=own_environment(place.folder, DATABASE_URL=place.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert place.manage("migrate", "--check").returncode == 0


@pytest.mark.rule("Q5")
def test_two_serve_an_empty_database_at_once(place: Place, tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        for port in ports:
            options = ("--port", str(port), "--workers", "1")
            log = tmp_path / f"{port}.log"
            stack.enter_context(serve_process(place.folder, log, *options, DATABASE_URL=place.url))
        for port in ports:
            wait_until(lambda port=port: is_listening(port))  # type: ignore[misc]


def test_a_worker_waits_while_another_process_migrates(place: Place, tmp_path: Path) -> None:
    assert place.manage("migrate").returncode == 0
    log = tmp_path / "worker.log"
    with ExitStack() as stack:
        with locked(place):
            stack.enter_context(
                started("worker", folder=place.folder, log=log, DATABASE_URL=place.url)
            )
            wait_until(lambda: "Waiting for it to end" in log.read_text())
            assert "waits for runs" not in log.read_text()
        wait_until(lambda: "waits for runs" in log.read_text())
