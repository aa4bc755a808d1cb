"""What `make test` leaves out is there, and is left out."""

from tests.processes import ROOT
from tests.slow_files import SLOW_FILES


def test_every_slow_file_exists() -> None:
    assert [name for name in SLOW_FILES if not (ROOT / name).is_file()] == []


def test_make_leaves_slow_tests_out() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    quick, whole = (lines[lines.index(f"{name}: test-install") :] for name in ("test", "test-all"))

    assert '-m "not slow and not browser"' in next(line for line in quick if "pytest" in line)
    assert "-m" not in next(line for line in whole if "pytest" in line).split()
