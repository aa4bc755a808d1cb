"""Third-party files that we ship or test with: unchanged, with version and licence."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "exports" / "static" / "vendor", ROOT / "tests" / "browser" / "axe")
# A line of the table: file, package with its exact version, hash.
LINE = re.compile(r"^\| `(?P<file>[^`]+)` \| (?P<origin>.+) \| `(?P<sum>[0-9a-f]{64})` \|$", re.M)


def listed(folder: Path) -> dict[str, str]:
    """File to SHA-256, from the folder's README."""
    return {line["file"]: line["sum"] for line in LINE.finditer((folder / "README.md").read_text())}


def found(folder: Path) -> dict[str, str]:
    """File to SHA-256, from the disk, without our own files."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.suffix not in {".md", ".py", ".pyc"}
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_vendored_files_match_their_readme(folder: Path) -> None:
    assert found(folder) == listed(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_vendored_packages_have_version_and_licence(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    packages = {file.rpartition("/")[0] for file in listed(folder)}

    assert packages
    for package in packages:
        assert (folder / package / "LICENSE").stat().st_size > 500
    first_files = [
        line["origin"] for line in LINE.finditer(readme) if "LICENSE" not in line["file"]
    ]
    assert all(re.search(r"npm `[\w@/-]+@\d+\.\d+\.\d+`", origin) for origin in first_files)


def test_vendored_files_reference_nothing_missing() -> None:
    """Collecting static files under hashed names fails for a source map that is not shipped."""
    vendored = FOLDERS[0]
    naming = [
        str(path.relative_to(vendored))
        for path in vendored.rglob("*.*s")
        if "sourceMappingURL" in path.read_text()
    ]

    assert naming == []
