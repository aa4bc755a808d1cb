"""An installation that a test restores a backup into, looked at from outside."""

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.management.installation import manage


@dataclass(frozen=True)
class Place:
    """A data folder and a database of their own, with a key of their own."""

    folder: Path
    url: str

    def manage(self, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        settings = {
            "DATABASE_URL": self.url,
            "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CWEXPORT_ALLOW_HTTP": "true",
            **changes,
        }
        return manage(*arguments, folder=self.folder, **settings)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as opened:
                return opened.execute(question).fetchall()
        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as opened:
            return opened.execute(question).fetchall()  # type: ignore[arg-type]

    def execute(self, statement: str) -> None:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as opened:
                opened.execute(statement)
                opened.commit()
            return
        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as session:
            session.execute(statement)  # type: ignore[arg-type]

    def is_empty(self) -> bool:
        """Whether there is no database, or none with a table."""
        if self.url.startswith("sqlite"):
            return not Path(self.url.removeprefix("sqlite:///")).exists()
        return self.rows("SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
