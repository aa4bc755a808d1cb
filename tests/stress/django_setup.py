"""A separate installation for a long stress: a temporary folder, a database, Django set up."""

import os
from pathlib import Path

import django


def set_up(folder: Path, *, database: str = "", queue: str = "") -> None:
    """Point the environment at `folder` and create the database; before any model import.

    `database`: an empty one on PostgreSQL instead of a file; `queue`: a Redis instead of it.
    """
    data_folder = folder / "var"
    data_folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "cwexport.settings",
            "CWEXPORT_DATA_DIR": str(data_folder),
            "DATABASE_URL": database or f"sqlite:///{folder}/stress.sqlite3",
            "CWEXPORT_QUEUE": queue or "database",
            "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "CWEXPORT_ALLOW_HTTP": "true",
            "TIME_ZONE": "UTC",
        }
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
