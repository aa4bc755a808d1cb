"""pg_dump; what it needs to log in goes through its environment alone."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from exports.backups.errors import BackupError

# What libpq reads besides what we set: paths to its own files, and where they are looked for.
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_OPTIONS: Final = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
_COUNT_TABLES: Final = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'"
)


def check_tool(name: str) -> None:
    """Raises BackupError unless the program is there and not older than the server."""
    server = connection.cursor().connection.info.server_version // 10_000
    path = shutil.which(name)
    if path is None:
        message = _(
            "%(program)s is not installed, or not on the PATH. Install PostgreSQL's client "
            "programs of version %(version)s or newer (on Debian: postgresql-client)."
        )
        raise BackupError(message % {"program": name, "version": server})
    stated = subprocess.run(  # noqa: S603 - found on the PATH
        [path, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"\) (\d+)", stated)
    if found is None or int(found[1]) < server:
        message = _(
            "%(program)s is of version %(found)s, but the server is of version %(version)s. "
            "Install PostgreSQL's client programs of version %(version)s or newer."
        )
        params = {"program": name, "found": found[1] if found else "?", "version": server}
        raise BackupError(message % params)


def dump(file: Path, *, snapshot: str) -> None:
    """Write the database, as the exported snapshot sees it, as SQL. Raises BackupError."""
    options = ["--format=plain", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    with file.open("wb") as target:
        _call("pg_dump", [*options, "--no-password", f"--file={file}"])
        os.fsync(target.fileno())


def table_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_TABLES)
        return int(cursor.fetchone()[0])


def _call(program: str, arguments: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - no argument comes from outside
        [shutil.which(program) or program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(),
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        message = _("%(program)s failed: %(reason)s")
        raise BackupError(message % {"program": program, "reason": (reason or ["?"])[0][:500]})


def _environment() -> dict[str, str]:
    used = connection.settings_dict
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGDATABASE": "NAME"}
    found |= {name: str(used[key]) for name, key in named.items() if used.get(key)}
    if used.get("PASSWORD"):
        # Readable by this user alone, as the password in the settings' own environment is.
        found["PGPASSWORD"] = str(used["PASSWORD"])
    options = used.get("OPTIONS", {})
    found |= {name: str(options[key]) for key, name in _OPTIONS.items() if key in options}
    return found
