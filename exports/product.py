"""Which product this is, for manifests and pages."""

import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def product_version() -> str:
    """What pyproject.toml says; the one place where the version is written."""
    with (Path(settings.BASE_DIR) / "pyproject.toml").open("rb") as stated:
        return str(tomllib.load(stated)["project"]["version"])
