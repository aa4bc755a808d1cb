"""The version stands in one place, and everything that names it reads it there."""

import re
import tomllib
from pathlib import Path

import pytest
from django.test import Client

from exports.product import product_version, user_agent
from tests.management.installation import manage

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("words", [["--version"], ["version"], ["serve", "--version"]])
def test_commands_name_the_version(tmp_path: Path, words: list[str]) -> None:
    done = manage(*words, folder=tmp_path / "none")

    assert (done.returncode, done.stdout) == (0, f"cwexport {VERSION}\n")
    assert not (tmp_path / "none").exists()


def test_pages_and_requests_name_the_version(client: Client, db: None) -> None:
    assert product_version() == VERSION
    assert user_agent() == f"cwexport/{VERSION}"
    assert f"cwexport {VERSION}" in client.get("/login/").content.decode()


def test_changelog_begins_with_the_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert re.fullmatch(
        rf"{re.escape(VERSION)} \((not released yet|\d{{4}}-\d\d-\d\d)\)", headings[0]
    )
    assert len({heading.split()[0] for heading in headings}) == len(headings)


def test_version_is_written_nowhere_else() -> None:
    named = re.compile(rf"(?<![\w.-]){re.escape(VERSION)}(?![\w.])")
    files = [path for folder in ("cwexport", "exports", "templates", "deploy")
             for path in (ROOT / folder).rglob("*")
             if path.suffix in {".py", ".html", ".js", ".json", ".yml"}]  # fmt: skip

    assert {
        str(path.relative_to(ROOT)) for path in files if named.search(path.read_text())
    } == set()
