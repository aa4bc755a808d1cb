"""Which version a database or a backup is of: a newer one than this program's is refused (B5)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from exports import migrations
from exports.product import product_version

FORMAT: Final = 1
_OURS: Final = "exports"


def unknown_migrations(applied: Iterable[tuple[str, str]]) -> list[str]:
    """The migrations of our own tables that this program does not have: a newer one made them."""
    known = _known()
    return [name for app, name in applied if app == _OURS and name not in known]


def _known() -> set[str]:
    return {path.stem for folder in migrations.__path__ for path in Path(folder).glob("[0-9]*.py")}


def newer_database() -> str:
    """A sentence when a newer version has used this database; "" otherwise."""
    recorder = MigrationRecorder(connection)
    if not recorder.has_table():
        return ""
    unknown = unknown_migrations(recorder.applied_migrations())
    if not unknown:
        return ""
    message = _(
        "A newer version of cwexport than this one (%(version)s) has used the database: it has "
        "%(migration)s. Install that version again, or restore a backup from before the upgrade "
        "into an empty place."
    )
    return message % {"version": product_version(), "migration": max(unknown)}


def older_database() -> str:
    """A sentence when the database was not brought up to this version yet; "" otherwise."""
    recorder = MigrationRecorder(connection)
    if not recorder.has_table():
        return ""
    missing = _known() - {name for app, name in recorder.applied_migrations() if app == _OURS}
    if not missing:
        return ""
    return _(
        "The database is of an earlier version of cwexport. `manage.py migrate` brings it up to "
        "date, as `manage.py serve` does at its start; make a backup first."
    )
