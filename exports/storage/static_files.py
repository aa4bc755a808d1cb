"""Storage for static files, hashed and compressed, that needs no file locks."""

from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

from exports.connectwise.regular_files import create_plain
from exports.storage.folders import PRIVATE_FOLDER


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    def _save(self, name: str, content: Any) -> str:
        """As Django's, but without a lock, which some file systems do not offer."""
        path = Path(self.path(name))
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with create_plain(path) as stream:
            for chunk in content.chunks():
                stream.write(chunk)
        return name
