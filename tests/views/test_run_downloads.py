"""The downloads of the run page: file, proof and log."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from lxml import etree

from exports.models import Run, RunLogEntry, Task
from tests.run_files import manifest_file, run_file
from tests.screen_fixtures import CONTENT, OWNER, fail, start, succeed

MakeTask = Callable[..., Task]


def url(name: str, run: Run) -> str:
    return reverse(name, args=[run.pk])


def page_of(client: Client, run: Run, name: str = "run-detail") -> str:
    return " ".join(unescape(client.get(url(name, run)).content.decode()).split())


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_run_without_success_has_no_file(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert f"{run} has no file yet: it is running." in page_of(signed_in, run, "run-download")
    run.finish_cancelled(OWNER)
    sentence = f"{run} has no file, because it was cancelled."
    assert sentence in page_of(signed_in, run, "run-download")


@pytest.mark.rule("O5")
def test_the_download_is_the_file_byte_for_byte(
    signed_in: Client, make_task: MakeTask, each_store: str
) -> None:
    run = succeed(make_task(), file_name='a "b"; é.xml')
    response = signed_in.get(url("run-download", run))

    assert body(response) == CONTENT
    assert hashlib.sha256(CONTENT).hexdigest() == run.file_sha256
    headers = response.headers
    assert headers["Content-Type"] == "application/xml; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Disposition"] == (
        f'attachment; filename="a _b_; e-run-{run.pk}.xml"; '
        f"filename*=utf-8''a%20%22b%22%3B%20%C3%A9-run-{run.pk}.xml"
    )


def test_name_with_run_number_is_kept(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task(output_file="batches {run}.xml"), file_name="batches 7.xml")
    response = signed_in.get(url("run-download", run))
    assert body(response) == CONTENT
    assert response.headers["Content-Disposition"] == 'attachment; filename="batches 7.xml"'


def test_missing_or_changed_file_is_refused(
    signed_in: Client, make_task: MakeTask, each_store: str
) -> None:
    run = succeed(make_task())
    run_file(run).write_bytes(CONTENT + b" ")
    changed = signed_in.get(url("run-download", run))
    run_file(run).unlink()
    gone = signed_in.get(url("run-download", run))

    assert (changed.status_code, gone.status_code) == (410, 410)
    assert "somebody changed it, so it is not handed out" in changed.content.decode()
    assert "is no longer in the folder of this installation" in gone.content.decode()
    assert run.file_sha256 in gone.content.decode()


def test_the_log_downloads_as_text(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    at = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    for level, message in (("info", "Page 1."), ("error", "<b>Zoë</b>")):
        RunLogEntry.objects.create(run=run, level=level, message=message, logged_at=at)
    response = signed_in.get(url("run-log", run))

    assert response.content.decode() == (
        "2026-03-01T12:00:05Z INFO    Page 1.\n2026-03-01T12:00:05Z ERROR   <b>Zoë</b>\n"
    )
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="run-{run.pk}.log"'


@pytest.mark.rule("X6")
def test_schema_download_is_the_one_used(signed_in: Client, tmp_path: Path) -> None:
    response = signed_in.get(reverse("schema-download"))
    schema = etree.XMLSchema(etree.fromstring(body(response)))
    assert schema.validate(etree.fromstring(CONTENT))
    assert response.headers["Content-Disposition"] == 'attachment; filename="batches.xsd"'


def test_the_proof_is_downloaded_as_json(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)
    manifest_file(run).write_text('{"run": 1}')
    answer = signed_in.get(reverse("run-manifest", args=[run.pk]))

    assert b"".join(answer.streaming_content) == b'{"run": 1}'  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert f"run-{run.pk}-proof.json" in answer["Content-Disposition"]


def test_changed_proof_is_refused(signed_in: Client, make_task: MakeTask, each_store: str) -> None:
    proof = b'{"run": 1}'
    run = succeed(make_task(), manifest_sha256=hashlib.sha256(proof).hexdigest())
    manifest_file(run).write_bytes(proof)
    assert signed_in.get(url("run-manifest", run)).status_code == 200

    manifest_file(run).write_bytes(b'{"run": 2}')
    answer = signed_in.get(url("run-manifest", run))
    assert answer.status_code == 410
    assert "somebody changed it, so it is not handed out" in answer.content.decode()


def test_a_missing_proof_is_explained_on_page(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)

    answer = signed_in.get(reverse("run-manifest", args=[run.pk]))
    assert answer.status_code == 404
    expected = f"The proof of {run} is not in the data folder."
    assert expected in page_of(signed_in, run, "run-manifest")


def test_changed_file_of_same_size_is_refused(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(), user)
    content = run_file(run).read_bytes()
    run_file(run).write_bytes(content[:-2] + b"x\n")

    answer = signed_in.get(reverse("run-download", args=[run.pk]))
    assert answer.status_code == 410
    assert "SHA-256 differs" in answer.content.decode()
