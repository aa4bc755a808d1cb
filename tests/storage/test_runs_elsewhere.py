"""Runs whose files are kept on a share or in a bucket (O2, O3, O5, R3, Q1, Q3)."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.pipeline import publishing
from exports.storage import files
from exports.storage.s3_calls import S3Calls
from exports.storage.s3_client import S3RefusedError
from exports.workers import jobs, recovery
from tests.conftest import run_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_versions,
    log_of,
    safe_failure,
    unclaimed_files,
    versions_in,
)
from tests.run_files import manifest_file, run_file, stored_names
from tests.stores import KEYS, S3Server
from tests.workers.processes import fresh, queue

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3 warns of its own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "PATIENCE", 0)


@pytest.mark.rule("O2", "O3", "Q1")
def test_run_leaves_file_and_proof_in_the_store(
    task: Task, stand_in: StandIn, each_store: str, data_folder: Path
) -> None:
    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert stored_names("runs") == [manifest_file(run).name, run_file(run).name]
    assert exported_versions(run) == versions_in(stand_in)
    assert unclaimed_files() == ()
    # Delivered from there.
    assert (data_folder / "exports" / "batches.xml").read_bytes() == run_file(run).read_bytes()
    if each_store != "data folder":
        assert list((data_folder / "runs").iterdir()) == []


@pytest.mark.rule("Q3")
def test_absent_storage_fails_the_run_in_words(
    task: Task, s3_store: S3Server, settings: Settings, impatient: None
) -> None:
    settings.CWEXPORT_FILES = s3_store.place(endpoint="http://127.0.0.1:9")
    run = run_now(task)

    assert run.error_code == "storage.unreachable"
    assert "127.0.0.1:9 did not answer" in run.error
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in run.error
    settings.CWEXPORT_FILES = s3_store.place()
    assert aftermath(run) == safe_failure(run)


@pytest.mark.rule("Q3")
def test_storage_that_comes_back_gets_the_file(
    task: Task, s3_store: S3Server, settings: Settings, stand_in: StandIn
) -> None:
    settings.CWEXPORT_FILES = s3_store.place(endpoint="http://127.0.0.1:9")
    run = queue(task)

    def bring_back() -> None:
        while "tried again" not in log_of(fresh(run), "warning"):
            time.sleep(0.05)
        settings.CWEXPORT_FILES = s3_store.place()

    watcher = Thread(target=in_own_connection(bring_back))
    watcher.start()
    jobs.execute_here(run.pk, run.attempt)
    watcher.join()

    assert (fresh(run).status, fresh(run).error) == ("succeeded", "")
    assert exported_versions(fresh(run)) == versions_in(stand_in)
    assert unclaimed_files() == ()


def in_own_connection(do: Callable[[], None]) -> Callable[[], None]:
    from django.db import connection

    def done() -> None:
        try:
            do()
        finally:
            connection.close()

    return done


@pytest.mark.rule("R3", "Q3")
def test_worker_that_lost_its_run_publishes_no_success(
    task: Task, each_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run is taken away while the file is on its way."""
    run = queue(task)
    publish = files.publish

    def publish_slowly(*args: Any, **more: Any) -> None:
        Run.objects.filter(pk=run.pk).update(owner="another", attempt=2)
        publish(*args, **more)

    monkeypatch.setattr(files, "publish", publish_slowly)
    jobs.execute_here(run.pk, run.attempt)
    assert (fresh(run).status, fresh(run).owner) == ("running", "another")
    recovery.recover(is_thorough=True)

    assert stored_names("runs") == []
    assert len(stored_names("orphaned")) == 2
    assert "whole file without a success" in log_of(fresh(run), "warning")


@pytest.mark.rule("O3")
def test_answer_that_is_lost_is_no_second_file(
    task: Task, s3_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is there, the worker does not know: the next try finds the same content."""
    from exports.storage.store import StorageUnreachableError

    put_new, is_lost = S3Calls.put_new, []

    def lose_answer(self: S3Calls, key: str, content: Any, **params: Any) -> None:
        put_new(self, key, content, **params)
        if key.endswith(".xml") and not is_lost:
            is_lost.append(key)
            raise StorageUnreachableError("The answer was lost.")

    monkeypatch.setattr(S3Calls, "put_new", lose_answer)
    run = run_now(task)

    assert (run.status, len(is_lost)) == ("succeeded", 1)
    assert stored_names("runs") == [manifest_file(run).name, run_file(run).name]


def test_server_without_conditions_gets_the_file(
    task: Task, s3_store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports.storage.s3_client import S3Client

    call = S3Client.call

    def refuse_conditions(self: S3Client, operation: str, **params: Any) -> Any:
        if "IfNoneMatch" in params:
            raise S3RefusedError("NotImplemented", 501)
        return call(self, operation, **params)

    monkeypatch.setattr(S3Client, "call", refuse_conditions)
    assert run_now(task).status == "succeeded"


@pytest.mark.rule("O5")
def test_changed_object_breaks_the_download_off(
    signed_in: Client, task: Task, s3_store: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the server tells no checksum, the last bytes are held back until all are compared."""
    run = run_now(task)
    content = run_file(run).read_bytes()
    run_file(run).write_bytes(content.replace(b"<id>1</id>", b"<id>2</id>"))
    response = signed_in.get(reverse("run-download", args=[run.pk]))

    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(content))
    with pytest.raises(OSError, match="is not what was written"):
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert "transfer was broken off" in caplog.text


def test_pages_tell_a_storage_that_is_away(
    signed_in: Client, task: Task, s3_store: S3Server, settings: Settings
) -> None:
    run = run_now(task)
    settings.CWEXPORT_FILES = s3_store.place(endpoint="http://127.0.0.1:9")
    page = signed_in.get(reverse("run-detail", args=[run.pk]))
    assert "did not answer" in page.content.decode()
    for name in ("run-download", "run-file", "run-manifest"):
        answer = signed_in.get(reverse(name, args=[run.pk]))
        assert answer.status_code == 503
        assert "did not answer" in answer.content.decode()


@pytest.mark.rule("Q3")
def test_share_that_is_not_mounted_gets_nothing(
    task: Task, settings: Settings, tmp_path: Path, impatient: None
) -> None:
    settings.CWEXPORT_FILES = tmp_path / "mount point"
    settings.CWEXPORT_FILES.mkdir()
    run = run_now(task)

    assert run.error_code == "storage.unreachable"
    assert "is it mounted?" in run.error
    assert not list(settings.CWEXPORT_FILES.rglob("*.xml"))
