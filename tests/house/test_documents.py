"""README and code agree; the architecture is what the documents describe."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/rules.md",
    "docs/glossary.md",
    "docs/codes.md",
    "docs/metrics.md",
    "docs/access.md",
    "docs/security.md",
]
# A path of this repository in backticks, and one marked as not existing yet.
FUTURE = re.compile(r"`([\w./]+)`\s\(not built yet\)")
PATH = re.compile(r"`((?:cwexport|docs|exports|templates|tests|\.ci)/[\w./-]*)`")


def test_settings_table_matches_settings_read() -> None:
    source = "".join(path.read_text() for path in (ROOT / "cwexport/settings").glob("*.py"))
    read = set(re.findall(r'read_(?:text|path|flag|choice|number|words)\(\s*"([A-Z_]+)"', source))
    table = README.split("## Settings")[1].split("##")[0]
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))

    assert documented == read
    assert len(read) > 10


def test_no_other_module_reads_settings_from_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("cwexport", "exports")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    }

    # demo passes its environment on; configuration reads the variables that a file names.
    # So does what calls PostgreSQL's programs, less everything that is not theirs.
    assert readers <= {
        "exports/backups/postgresql.py",
        "cwexport/settings/data_folder.py",
        "cwexport/settings/environment.py",
        "cwexport/settings/outgoing.py",
        "cwexport/wsgi.py",
        "exports/management/commands/demo.py",
        # The process that validates a growing file is started with the same environment.
        "exports/connectwise/xml/background_validation.py",
        "exports/management/commands/load_config.py",
        # The demo tells its programs where mails go.
        "exports/management/living_demo/surroundings.py",
    }


def test_every_command_is_in_the_readme() -> None:
    commands = ROOT / "exports" / "management" / "commands"
    names = {path.stem for path in commands.glob("*.py")} - {"__init__", "worker"}

    assert {name for name in names if name not in README} == set()


def test_every_dependency_has_reason_and_pin() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    pinned = (ROOT / "constraints.txt").read_text().lower()

    for line in asked:
        name = re.match(r"[A-Za-z0-9_-]+", line)
        assert name
        assert "#" in line
        assert f"\n{name[0].lower()}==" in f"\n{pinned}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_in_documents_exist(name: str) -> None:
    """A path that does not exist yet is followed by (not built yet)."""
    text = re.sub(r"→ not built yet.*", "", (ROOT / name).read_text())
    named = set(PATH.findall(text)) - set(FUTURE.findall(text))

    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_in_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text)

    assert {
        link for link, _ in links if link and not (ROOT / name).parent.joinpath(link).exists()
    } == set()


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for name in DOCUMENTS
        for target in re.findall(r"(?:`|\$ )make ([a-z-]+)", (ROOT / name).read_text())
    }

    assert named <= targets


def test_support_code_stays_small() -> None:
    """Under 15 % of the test code; programs with their own make target do not count as support."""
    programs = {"stress", "benchmarks", "screenshots", "supply_chain"}
    tests = support = 0
    for path in (ROOT / "tests").rglob("*.py"):
        line_count = len(path.read_text().splitlines())
        if path.name.startswith("test_"):
            tests += line_count
        elif not programs & set(path.parts):
            support += line_count

    assert support / (tests + support) < 0.15


def test_test_names_have_three_to_eight_words() -> None:
    names = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def test_(\w+)\(", path.read_text(), re.MULTILINE)
        if not 3 <= len(name.split("_")) <= 8
    }

    assert names == set()


def test_the_core_runs_where_django_cannot_be_imported() -> None:
    program = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "cwexport"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import pkgutil, importlib, exports.connectwise as core
names = [one.name for one in pkgutil.walk_packages(core.__path__, "exports.connectwise.")]
for name in names:
    importlib.import_module(name)
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter.conditions import Condition, render
print(len(names), render([Condition("id", "Equal", "284")], FIELD_TYPES))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    count, rendered = done.stdout.strip().split(" ", 1)
    assert int(count) > 10
    assert rendered == "id = 284"


def test_the_top_level_holds_what_was_agreed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {line.split("/")[0] for line in listed.stdout.splitlines() if "/" in line}

    assert folders <= {"cwexport", "deploy", "docs", "exports", "templates", "tests", ".ci"}
