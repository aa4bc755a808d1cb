"""The packages of production, from constraints.txt and docs/licences.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
_PINNED: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^ \\;]+)(?: ; (?P<marker>[^\\\n]+))?"
)
_ROW: Final = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<licence>[^|]+) \|", re.MULTILINE)
_VENDORED: Final = re.compile(r"npm `(?P<name>[\w.-]+)@(?P<version>[\w.-]+)`")


@dataclass(frozen=True)
class Package:
    """One pinned version; `marker` says where it is installed, empty for everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


@cache
def pinned() -> tuple[Package, ...]:
    """A package has two versions where Python versions need different ones."""
    return tuple(_read_pinned((ROOT / "constraints.txt").read_text()))


def _read_pinned(text: str) -> Iterator[Package]:
    for entry in re.split(r"\n(?=\w)", text):
        if found := _PINNED.match(entry):
            hashes = tuple(re.findall(r"sha256:([0-9a-f]{64})", entry))
            name = canonicalize_name(found["name"])
            yield Package(name, found["version"], (found["marker"] or "").strip(), hashes)


@cache
def licences() -> dict[str, str]:
    """The SPDX expression of each package, as docs/licences.md states it."""
    text = (ROOT / "docs" / "licences.md").read_text()
    return {row["name"]: row["licence"].strip() for row in _ROW.finditer(text)}


def vendored() -> dict[str, str]:
    """The version of each package whose files stand in the repository."""
    text = (ROOT / "exports" / "static" / "vendor" / "README.md").read_text()
    return {found["name"]: found["version"] for found in _VENDORED.finditer(text)}


def asked_for() -> set[str]:
    """The packages that requirements.txt names; all others come with them."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {
        canonicalize_name(Requirement(line.partition("#")[0]).name)
        for line in lines
        if line.partition("#")[0].strip()
    }


def needs_of(name: str) -> set[str]:
    """The pinned packages that an installed one asks for; none of one that is not installed."""
    known = {package.name for package in pinned()}
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    return {canonicalize_name(Requirement(line).name) for line in asked} & known - {name}
