"""load_config and dump_config as commands: files in and out, sentences with FILE:LINE."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from exports.models import Task
from tests.configuration.example import EXAMPLE, KEY, changed, rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWEXPORT_KEY_ACME", KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "exports.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def loaded(file: Path, *options: str) -> str:
    out, params = io.StringIO(), io.StringIO()
    call_command("load_config", str(file), *options, stdout=out, stderr=params)
    assert params.getvalue() == ""
    return out.getvalue()


def refused(file: Path, *options: str) -> str:
    out, params = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("load_config", str(file), *options, stdout=out, stderr=params)
    assert (ended.value.code, out.getvalue()) == (1, "")
    return params.getvalue()


def dumped(*arguments: str) -> str:
    out = io.StringIO()
    call_command("dump_config", *arguments, stdout=out)
    return out.getvalue()


def test_a_file_is_created_then_unchanged_then_changed(file: Path) -> None:
    assert loaded(file) == "connection Acme: created\ntask Nightly batches: created\n"
    assert loaded(file) == "connection Acme: unchanged\ntask Nightly batches: unchanged\n"
    file.write_text(changed("page_size: 1000", "page_size: 50"), encoding="utf-8")
    assert loaded(file) == (
        "connection Acme: unchanged\ntask Nightly batches: changed\n  page_size: 1000 → 50\n"
    )


def test_a_check_says_what_would_be(file: Path) -> None:
    assert loaded(file, "--check") == (
        "connection Acme: would be created\ntask Nightly batches: would be created\n"
    )
    assert rows() == [[], [], [], []]
    loaded(file)
    file.write_text(changed("page_size: 1000", "page_size: 50"), encoding="utf-8")
    assert loaded(file, "--check") == (
        "connection Acme: unchanged\ntask Nightly batches: would be changed\n"
        "  page_size: 1000 → 50\n"
    )
    assert Task.objects.get().page_size == 1000


def test_dates_are_only_set_with_the_option(file: Path) -> None:
    loaded(file)
    file.write_text(changed("date_modified: 2020", "date_modified: 2021"), encoding="utf-8")

    assert "task Nightly batches: unchanged" in loaded(file)
    assert loaded(file, "--set-dates") == (
        "connection Acme: unchanged\ntask Nightly batches: changed\n"
        "  date_modified: 2020-01-01T00:00:00Z → 2021-01-01T00:00:00Z\n"
    )


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_problems_name_file_and_line(file: Path, options: tuple[str, ...]) -> None:
    text = changed("page_size: 1000", "page_sise: 1000")
    file.write_text(changed("batches.xml", "batches.csv", text), encoding="utf-8")

    assert refused(file, *options) == (
        f"{file}:14: page_sise is not a key of a task. Did you mean page_size?\n"
        f"{file}:15: The output file must end in .xml. Write a plain file name such as "
        "batches.xml or batches-{run}.xml.\n"
        "Nothing was changed.\n"
    )
    assert rows() == [[], [], [], []]


def test_new_connection_needs_its_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CWEXPORT_KEY_ACME")
    assert refused(file) == (
        f"{file}:6: Put the private key into the environment variable CWEXPORT_KEY_ACME, because "
        "the connection is new.\nNothing was changed.\n"
    )


def test_warnings_name_file_and_line(file: Path) -> None:
    file.write_text(changed("date_modified: 2020", "date_modified: 2999"), encoding="utf-8")
    params = io.StringIO()

    call_command("load_config", str(file), stdout=io.StringIO(), stderr=params)

    assert params.getvalue() == (
        f"{file}:13: Warning: Date Modified lies in the future: 2999-01-01T00:00:00Z. Nothing is "
        "exported until then.\n"
    )


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert refused(missing) == f"{missing} cannot be read: No such file or directory.\n"


def test_a_file_without_anything_to_do_says_so(file: Path) -> None:
    file.write_text("tasks: []\n", encoding="utf-8")
    assert loaded(file) == "The file names no connections, tasks or workflows.\n"


def test_dumped_file_can_be_loaded(file: Path, tmp_path: Path) -> None:
    loaded(file)
    copy = tmp_path / "copy.yaml"

    assert dumped(str(copy)) == ""
    assert copy.read_text(encoding="utf-8") == dumped()
    assert loaded(copy) == "connection Acme: unchanged\ntask Nightly batches: unchanged\n"


def test_a_dump_that_fails_is_reported(tmp_path: Path) -> None:
    params = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("dump_config", str(tmp_path), stderr=params)
    assert ended.value.code == 1
    assert params.getvalue() == f"{tmp_path} cannot be written: Is a directory.\n"


def test_endless_file_is_refused() -> None:
    assert refused(Path("/dev/zero")) == (
        "/dev/zero:1: The file is larger than 1000 kilobytes, room for some thousand tasks. Share "
        "it out over several files.\nNothing was changed.\n"
    )


def test_operator_allows_a_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", KEY)
    file.write_text(changed("CWEXPORT_KEY_ACME", "ACME_SECRET"), encoding="utf-8")
    assert "ACME_SECRET is not read" in refused(file)
    assert "created" in loaded(file, "--allow-variable", "ACME_SECRET")
