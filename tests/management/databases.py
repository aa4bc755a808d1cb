"""Databases on the PostgreSQL server of the tests, besides those that the tests themselves use."""

import secrets

import psycopg
from django.db import connection

_made: list[str] = []


def are_on_postgresql() -> bool:
    return connection.vendor == "postgresql"


def address_of(name: str) -> str:
    """For DATABASE_URL."""
    used = connection.settings_dict
    password = f":{used['PASSWORD']}" if used["PASSWORD"] else ""
    return f"postgres://{used['USER']}{password}@{used['HOST']}:{used['PORT']}/{name}"


def make_copy(template: str = "template1") -> str:
    """The name of a new database with all that the template holds; see `drop_all`."""
    name = f"installation_{secrets.token_hex(4)}"
    _made.append(name)
    _execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    commit_without_waiting(name)
    return name


def commit_without_waiting(name: str) -> None:
    """Let no commit wait for the disk: only a crash of the server itself could lose one."""
    _execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')


def drop_all() -> None:
    """Drop what this process has made."""
    while _made:
        _execute(f'DROP DATABASE IF EXISTS "{_made.pop()}" WITH (FORCE)')


def _execute(statement: str) -> None:
    server = address_of("postgres").replace("postgres://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(statement)  # type: ignore[call-overload]
