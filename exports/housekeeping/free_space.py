"""Gives back to the disk what deleted rows leave free in SQLite's file (rule G3)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connection

from exports.housekeeping.pruning import Pace

# 4 MB, written within some milliseconds; other writers get in between.
_PAGES_AT_ONCE: Final = 1_000
# What is left free, as new rows will use it.
_PAGES_KEPT: Final = 1_000
_INCREMENTAL: Final = 2


@dataclass(frozen=True)
class DatabaseSize:
    """In bytes; without `can_shrink` the file must be rewritten once (`prune --vacuum`)."""

    used: int
    free: int
    can_shrink: bool


def database_size() -> DatabaseSize:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            # PostgreSQL's own autovacuum looks after free space.
            return DatabaseSize(used=cursor.fetchone()[0], free=0, can_shrink=True)
    page = _pragma("page_size")
    used, free = _pragma("page_count") * page, _pragma("freelist_count") * page
    name = Path(str(connection.settings_dict["NAME"]))
    log = name.with_name(f"{name.name}-wal")
    size = used + (os.path.getsize(log) if log.exists() else 0)
    return DatabaseSize(used=size, free=free, can_shrink=_pragma("auto_vacuum") == _INCREMENTAL)


def give_back(pace: Pace) -> int:
    """Shrink the database file step by step; returns the bytes given back."""
    if connection.vendor != "sqlite" or _pragma("auto_vacuum") != _INCREMENTAL:
        return 0
    before = _pragma("page_count")
    while (free := _pragma("freelist_count")) > _PAGES_KEPT:
        with connection.cursor() as cursor:
            # Each page is a row of the answer, so it has to be read to the end.
            cursor.execute(f"PRAGMA incremental_vacuum({min(_PAGES_AT_ONCE, free - _PAGES_KEPT)})")
            cursor.fetchall()
        if _pragma("freelist_count") >= free:
            break
        pace.pause()
    return max(0, before - _pragma("page_count")) * _pragma("page_size")


def begin_shrinking() -> None:
    """Let a database without tables give space back from the start; others: `rewrite_database`.

    Not set with each connection, as that takes the write lock.
    """
    if connection.vendor == "sqlite" and not connection.introspection.table_names():
        rewrite_database()


def rewrite_database() -> int:
    """Rewrite the whole file once, so that it can shrink by itself from then on.

    Locks the database meanwhile: only for when nothing else runs. Returns the bytes given back.
    """
    before = _pragma("page_count") * _pragma("page_size")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return max(0, before - _pragma("page_count") * _pragma("page_size"))


def _pragma(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])
