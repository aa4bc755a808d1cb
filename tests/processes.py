"""Real processes of the installation under test: they use the test's database, files and keys."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[1]


def environment(**changes: str) -> dict[str, str]:
    """The environment that makes a process use this test's installation."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cwexport.settings",
        "DATABASE_URL": _database_url(),
        "CWEXPORT_QUEUE": _queue_url(),
        "CWEXPORT_DATA_DIR": str(settings.CWEXPORT_DATA_DIR),
        "CWEXPORT_ENCRYPTION_KEYS": ",".join(settings.CWEXPORT_ENCRYPTION_KEYS),
        "SECRET_KEY": settings.SECRET_KEY,
        "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CWEXPORT_ALLOW_HTTP": "true",
        **changes,
    }


def _database_url() -> str:
    used = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{used['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**used)


def _queue_url() -> str:
    used = settings.CWEXPORT_QUEUE
    if used is None:
        return "database"
    return str(used).replace("://", f"://:{used.password}@" if used.password else "://")


@contextmanager
def worker_process(**changes: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A `manage.py worker`, with `changes` of the environment; it is ended when the block ends."""
    command = [sys.executable, "manage.py", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(**changes))
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
