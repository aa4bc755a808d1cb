"""Where an installation keeps its rows and its queue: each place anew for each measurement."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.benchmarks.processes import ROOT, Installation
from tests.workers.queues.redis_server import RedisServer

SQLITE, POSTGRESQL, REDIS = "SQLite", "PostgreSQL", "PostgreSQL + Redis"


class Places:
    """Installations by the name of their place; the server is one where databases may be made."""

    def __init__(self, installation: Installation, server: str) -> None:
        self._installation = installation
        self._server = server or _test_server()
        self._names = f"cwexport_bench_{uuid4().hex[:8]}"
        self._count = 0

    def __enter__(self) -> "Places":
        self._execute(f"CREATE DATABASE {self._names}")
        with self._installation.copy() as folder:
            environment = self._installation.environment(folder)
            environment["DATABASE_URL"] = self._url(self._names)
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._execute(f"DROP DATABASE {self._names} WITH (FORCE)")

    @contextmanager
    def environment(self, name: str) -> Iterator[dict[str, str]]:
        """That of an empty installation at this place, which is gone after the block."""
        with self._installation.copy() as folder:
            environment = self._installation.environment(folder)
            if name == SQLITE:
                yield environment
                return
            self._count += 1
            database = f"{self._names}_{self._count}"
            self._execute(f"CREATE DATABASE {database} TEMPLATE {self._names}")
            try:
                with _queue(name) as queue:
                    yield environment | {"DATABASE_URL": self._url(database), **queue}
            finally:
                self._execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _url(self, database: str) -> str:
        return f"{self._server.rpartition('/')[0]}/{database}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def _queue(name: str) -> Iterator[dict[str, str]]:
    if name != REDIS:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="cwexport-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield {"CWEXPORT_QUEUE": server.url}
        finally:
            server.kill()


def _test_server() -> str:
    """The server that tests on PostgreSQL use; started where none answers."""
    done = subprocess.run([ROOT / ".ci/postgresql"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
