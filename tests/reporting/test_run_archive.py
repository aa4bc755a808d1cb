"""The files of several runs as one ZIP, with their hashes."""

import hashlib
import io
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import AuditEntry, Run, Task
from tests.run_files import run_file
from tests.screen_fixtures import CONTENT, succeed

pytestmark = pytest.mark.rule("O5")


def fetch(client: Client, query: str = "") -> zipfile.ZipFile:
    answer = client.get(reverse("run-list-zip") + query)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_archive_has_files_and_their_hashes(signed_in: Client, task: Task, each_store: str) -> None:
    first, second = succeed(task), succeed(task)
    archive = fetch(signed_in)

    names = [f"batches-run-{run.pk}.xml" for run in (first, second)]
    assert sorted(archive.namelist()) == ["SHA256SUMS", *names]
    assert archive.read(names[0]) == CONTENT
    hashes = dict(
        reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines()
    )
    assert hashes == dict.fromkeys(names, hashlib.sha256(CONTENT).hexdigest())
    assert AuditEntry.objects.filter(action="run.file_downloaded").count() == 2


def test_archive_follows_the_filter(signed_in: Client, task: Task) -> None:
    succeed(task, batch_count=0)
    run = succeed(task)
    page = signed_in.get(reverse("run-list") + "?mark=not_imported").content.decode()

    assert "Download 1 file as ZIP" in page
    assert fetch(signed_in, "?mark=not_imported").namelist() == [
        f"batches-run-{run.pk}.xml",
        "SHA256SUMS",
    ]


def test_changed_file_is_named_and_left_out(signed_in: Client, task: Task, each_store: str) -> None:
    run = succeed(task)
    run_file(run).write_bytes(b"<Batches/>")
    archive = fetch(signed_in)

    assert archive.namelist() == ["SHA256SUMS", "MISSING.txt"]
    assert "SHA-256 differs" in archive.read("MISSING.txt").decode()


def test_nothing_or_too_much_is_refused(
    signed_in: Client, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = signed_in.get(reverse("run-list-zip"), follow=True)
    assert "Choose runs with 1 to 200 files" in answer.content.decode()
    for _ in range(3):
        succeed(task)
    monkeypatch.setattr("exports.views.history.MAX_FILES", 2)

    assert signed_in.get(reverse("run-list-zip")).status_code == 302
    assert "as ZIP" not in signed_in.get(reverse("run-list")).content.decode()


def test_runs_sort_by_duration(signed_in: Client, task: Task) -> None:
    slow, quick = succeed(task), succeed(task)
    Run.objects.filter(pk=slow.pk).update(
        started_at="2026-01-01T00:00Z", finished_at="2026-01-02T00:00Z"
    )
    page = signed_in.get(reverse("run-list") + "?sort=-duration")

    rows = [row.record.pk for row in page.context["table"].page.object_list]
    assert rows == [slow.pk, quick.pk]


def test_runs_are_found_by_connection(signed_in: Client, task: Task) -> None:
    run = succeed(task)
    found = signed_in.get(f"{reverse('run-list')}?connection={run.connection_id}")
    other = signed_in.get(f"{reverse('run-list')}?connection=999999")

    assert [row.record.pk for row in found.context["table"].page.object_list] == [run.pk]
    assert "There is no such connection" in other.content.decode()
