"""The database and the queue."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from cwexport.settings.data_folder import CWEXPORT_DATA_DIR
from cwexport.settings.environment import checked, read_text
from exports.workers.queues.broker import parse_queue

_SQLITE = "django.db.backends.sqlite3"
# Both WAL and IMMEDIATE: with only one of them, writers get "database is locked".
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
# A host that stops or is cut off within a transaction would hold its locks, and nobody could take
# its runs over: the server ends such a session within the time after which a worker counts as dead.
# Keepalives let a cut-off host notice; the first value when it connects, in seconds, and the last
# one while it waits for an answer, in milliseconds.
_POSTGRESQL_OPTIONS = {
    "options": "-c idle_in_transaction_session_timeout=20s",
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def _database() -> dict[str, Any]:
    """An entry of DATABASES."""
    url = read_text("DATABASE_URL")
    if not url:
        name = str(CWEXPORT_DATA_DIR / "cwexport.sqlite3")
        return {"ENGINE": _SQLITE, "NAME": name, "OPTIONS": _SQLITE_OPTIONS}
    try:
        database: dict[str, Any] = environ.Env.db_url_config(url)
        if database["ENGINE"].rpartition(".")[2] not in {"sqlite3", "postgresql"}:
            raise ValueError("another database")
        if database["ENGINE"] == _SQLITE and database["NAME"][:1] != "/":
            # In another working directory this would be another database.
            raise ValueError("a relative path")
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. Write sqlite:////var/lib/cwexport/db.sqlite3 (four "
            "slashes and the whole path) or postgres://user:password@host:5432/name."
        ) from error
    if database["ENGINE"] == _SQLITE:
        return {**database, "OPTIONS": _SQLITE_OPTIONS}
    # An address with options has its own.
    return {**database, "OPTIONS": {**_POSTGRESQL_OPTIONS, **database.get("OPTIONS", {})}}


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The queue that brings runs to workers; only the Run row decides whether a run is executed (Q2).
# A `Broker`, or None for the database.
[CWEXPORT_QUEUE] = checked(
    "CWEXPORT_QUEUE",
    "Write database, or redis://user:password@host:6379/0 (rediss:// with TLS; user and password "
    "only where Redis asks for them, with %40 for @ and %2F for /).",
    parse_queue,
    [read_text("CWEXPORT_QUEUE", "database")],
)
TASKS = {
    "default": {
        "BACKEND": "exports.workers.queues.redis_backend.RedisBackend"
        if CWEXPORT_QUEUE
        else "django_tasks_db.DatabaseBackend"
    }
}
