"""Which product this is, for manifests, pages, commands and requests."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def product_version() -> str:
    """What pyproject.toml says; the one place where the version is written."""
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as stated:
        return str(tomllib.load(stated)["project"]["version"])


def user_agent() -> str:
    return f"cwexport/{product_version()}"
