"""Static files of this version, hashed and compressed, on every file system a data folder is on."""

from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

from exports.connectwise.plain_files import create_plain
from exports.storage.files import PRIVATE_FOLDER


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    def _save(self, name: str, content: Any) -> str:
        """Django's own takes a lock, which not every file system offers."""
        path = Path(self.path(name))
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with create_plain(path) as stream:
            for chunk in content.chunks():
                stream.write(chunk)
        return name
