"""The stored files of runs as paths, so that a test can read, change and remove them."""

from pathlib import Path
from typing import Any

from django.conf import settings

from exports.models import Run
from exports.storage import files
from exports.storage.places import S3Place
from tests.stores import S3Path, client_of


def run_file(run: Run) -> Any:
    return stored(run.file_path)


def manifest_file(run: Run) -> Any:
    return stored(files.manifest_name(run.file_path))


def stored(name: str) -> Any:
    """A file of the store by its name, such as `orphaned/run-1-1-deadbeef.xml`."""
    place = settings.CWEXPORT_FILES
    if isinstance(place, S3Place):
        return S3Path(client_of(place.endpoint), f"{place.prefix}{name}")
    path = Path(files.store().where(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def stored_names(folder: str) -> list[str]:
    return sorted(files.store().names(folder))
