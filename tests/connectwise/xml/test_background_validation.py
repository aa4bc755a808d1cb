"""A file validated while it grows: the same verdict, whatever happens to the process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exports.connectwise.xml import background_validation
from exports.connectwise.xml.background_validation import BackgroundValidation
from exports.connectwise.xml.validation import CheckedFile, FileCheckError, check_file

from .documents import SAMPLE_RECORD, written_records

Process = subprocess.Popen[str]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """Here every file gets a validating process; these were started."""
    monkeypatch.setattr(background_validation, "WORTH_IT_ABOVE", 1)
    started: list[Process] = []

    class Noted(Process):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


@pytest.fixture
def validation() -> Iterator[BackgroundValidation]:
    with BackgroundValidation() as validation:
        yield validation


def document(count: int) -> bytes:
    return written_records(
        {**SAMPLE_RECORD, "id": number} for number in range(1, count + 1)
    ).encode()


def grow(validation: BackgroundValidation, path: Path, content: bytes, pieces: int = 7) -> None:
    """Write a file piece by piece, as a run does page by page."""
    size = len(content) // pieces + 1
    with path.open("wb") as stream:
        validation.begin(path)
        for start in range(0, len(content), size):
            stream.write(content[start : start + size])
            stream.flush()
            validation.grown_to(stream.tell())
        os.fsync(stream.fileno())
    validation.ended(len(content))


def finished(validation: BackgroundValidation, path: Path, count: int) -> CheckedFile:
    return validation.finish(path, expected_count=count, checkpoint=lambda: None)


def never_asked(*_: object, **__: object) -> CheckedFile:
    raise AssertionError("checked in this process")


def test_followed_file_gets_the_same_verdict(
    tmp_path: Path,
    validation: BackgroundValidation,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, content = tmp_path / "batches.xml", document(2_000)
    grow(validation, path, content)
    expected = check_file(path, expected_count=2_000)
    monkeypatch.setattr(background_validation, "check_file", never_asked)

    assert finished(validation, path, 2_000) == expected
    assert [process.returncode is not None for process in processes] == [True]


def test_a_small_file_needs_no_process(tmp_path: Path, validation: BackgroundValidation) -> None:
    path = tmp_path / "batches.xml"
    grow(validation, path, document(3))

    assert finished(validation, path, 3) == check_file(path, expected_count=3)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda raw: raw[:-5], "not well-formed"),
        (lambda raw: raw.replace(b"<id>70</id>", b"<id>7</id>"), "Batch 7 follows batch 69"),
        (lambda raw: raw.replace(b"<externalId />", b"", 1), "does not fit the schema"),
        (lambda raw: raw.replace(b"<Batches", b"<!DOCTYPE Batches><Batches", 1), "document type"),
        (lambda raw: raw, "The file holds 100 batches, but 101 were written."),
    ],
)
def test_invalid_file_is_refused_in_usual_words(
    tmp_path: Path,
    validation: BackgroundValidation,
    processes: list[Process],
    spoil: Callable[[bytes], bytes],
    reason: str,
) -> None:
    path = tmp_path / "batches.xml"
    grow(validation, path, spoil(document(100)))

    with pytest.raises(FileCheckError, match=reason):
        finished(validation, path, 101)


@pytest.mark.parametrize(
    "befall",
    [
        lambda process: process.kill(),
        lambda process: process.terminate(),
        lambda process: os.kill(process.pid, signal.SIGSTOP),
        lambda process: process.stdin.close(),
    ],
)
def test_dead_process_falls_back_to_own_check(
    tmp_path: Path,
    validation: BackgroundValidation,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
    befall: Callable[[Process], None],
) -> None:
    monkeypatch.setattr(background_validation, "_MAX_SILENCE", 0.3)
    path, content = tmp_path / "batches.xml", document(1_000)
    with path.open("wb") as stream:
        validation.begin(path)
        stream.write(content)
        stream.flush()
        validation.grown_to(1_000)
        befall(processes[0])
        validation.grown_to(100_000)
    validation.ended(len(content))

    assert finished(validation, path, 1_000) == check_file(path, expected_count=1_000)
    assert processes[0].returncode is not None


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/echo", "/bin/true"])
def test_missing_process_falls_back_to_own_check(
    tmp_path: Path,
    validation: BackgroundValidation,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
    executable: str,
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    path = tmp_path / "batches.xml"
    grow(validation, path, document(100))

    assert finished(validation, path, 100) == check_file(path, expected_count=100)
    assert len(processes) <= 1


def test_a_file_begun_anew_is_followed_anew(
    tmp_path: Path, validation: BackgroundValidation, processes: list[Process]
) -> None:
    path = tmp_path / "batches.xml"
    grow(validation, path, document(300))
    grow(validation, path, document(200))

    assert finished(validation, path, 200) == check_file(path, expected_count=200)
    assert [process.returncode is not None for process in processes] == [True, True]


def test_a_stop_ends_the_wait_and_the_process(tmp_path: Path, processes: list[Process]) -> None:
    def stop() -> None:
        raise InterruptedError

    path = tmp_path / "batches.xml"
    with BackgroundValidation() as validation:
        grow(validation, path, document(100))
        os.kill(processes[0].pid, signal.SIGSTOP)
        with pytest.raises(InterruptedError):
            validation.finish(path, expected_count=100, checkpoint=stop)

    assert processes[0].returncode == -signal.SIGKILL


@pytest.fixture
def other_end(tmp_path: Path) -> Iterator[Process]:
    """The validating process alone, after it has read a file of 500 batches."""
    path = tmp_path / "batches.xml"
    path.write_bytes(document(500))
    command = [sys.executable, "-m", "exports.connectwise.xml.validation_process", str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "more\n"
        process.stdin.write(f"{path.stat().st_size} 0\n")
        process.stdin.flush()
        assert process.stdout.readline() == "more\n"
        yield process
        process.kill()


def test_file_that_differs_on_disk_gets_no_verdict(tmp_path: Path, other_end: Process) -> None:
    path = tmp_path / "batches.xml"
    path.write_bytes(path.read_bytes().replace(b"<id>250</id>", b"<id>249</id>"))

    assert other_end.communicate(f"{path.stat().st_size} 1\n", timeout=120)[0] == ""


def test_the_process_ends_with_its_parent(other_end: Process) -> None:
    os.kill(other_end.pid, signal.SIGINT)  # it ignores Ctrl-C
    time.sleep(0.1)
    assert other_end.poll() is None
    assert other_end.communicate(timeout=120)[0] == ""
    assert other_end.returncode == 0
