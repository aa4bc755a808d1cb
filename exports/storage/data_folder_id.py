"""A word that tells this data folder from those of other hosts; made once, and kept in it."""

import secrets
from pathlib import Path
from typing import Final

from django.conf import settings

from exports.connectwise.regular_files import open_regular
from exports.storage.made_once import made_once

_FILE: Final = "folder_id"
_LENGTH: Final = 8


def data_folder_id() -> str:
    """Raises OSError."""
    path = Path(settings.CWEXPORT_DATA_DIR) / _FILE
    made_once(path, secrets.token_hex(_LENGTH // 2))
    with open_regular(path) as stream:
        return stream.read(_LENGTH).decode("ascii", "replace")
