"""The view of a run's file: whole records, page by page, without reading the whole file."""

import hashlib
import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Run, Task
from exports.reporting.file_pages import PAGE_BYTES, FilePage, first_lines, page_before, page_from
from tests.run_files import run_file
from tests.screen_fixtures import CONTENT, OWNER, start, succeed

MakeTask = Callable[..., Task]
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<Batches>\n'
TAIL = "</Batches>\n"


def batch(number: int, text: str = "Zoë 🧾") -> str:
    return f"  <Batch>\n    <id>{number}</id>\n    <x>{text}</x>\n  </Batch>\n"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of several pages."""
    path = tmp_path / "large.xml"
    path.write_text(HEAD + "".join(map(batch, range(2_000))) + TAIL, encoding="utf-8")
    return path


def looked_at(look: Callable[..., FilePage], path: Path, *at: int) -> FilePage:
    with path.open("rb") as stream:
        return look(stream, *at)


def forward(path: Path) -> list[tuple[int, int, str]]:
    pages, start = [], 0
    while True:
        page = looked_at(page_from, path, start)
        pages.append((page.start, page.end, page.text))
        if page.is_last:
            return pages
        start = page.end


def test_the_pages_put_together_are_the_file(large: Path) -> None:
    pages = forward(large)
    assert len(pages) > 4
    assert "".join(text for _, _, text in pages) == large.read_text(encoding="utf-8")
    assert all(text.endswith(("</Batch>\n", TAIL)) for _, _, text in pages)
    assert all(end - start <= PAGE_BYTES for start, end, _ in pages)


def test_paging_backwards_shows_the_whole_file(large: Path) -> None:
    size = large.stat().st_size
    page = looked_at(page_before, large, size)
    texts = [page.text]
    while not page.is_first:
        page = looked_at(page_before, large, page.start)
        texts.insert(0, page.text)
    assert "".join(texts) == large.read_text(encoding="utf-8")
    assert all(text.startswith(("  <Batch>\n", "<?xml")) for text in texts)


@pytest.mark.parametrize("offset", [-5, 0, 1, 30, 70, 5_001, 10**6, 10**18])
def test_every_page_is_bounded(large: Path, offset: int) -> None:
    content = large.read_bytes()
    for page in (looked_at(page_from, large, offset), looked_at(page_before, large, offset)):
        assert 0 < page.end - page.start <= PAGE_BYTES
        assert page.text == content[page.start : page.end].decode("utf-8", "replace")


def test_an_empty_file_is_an_empty_page(tmp_path: Path) -> None:
    (tmp_path / "empty.xml").touch()
    for page in (
        looked_at(page_from, tmp_path / "empty.xml", 0),
        looked_at(page_before, tmp_path / "empty.xml", 5),
    ):
        assert (page.text, page.is_first, page.is_last) == ("", True, True)


def test_oversized_record_is_shown_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "wide.xml"
    content = HEAD + batch(1, "ä" * 3 * PAGE_BYTES) + batch(2) + TAIL
    path.write_text(content, encoding="utf-8")
    assert "".join(text for _, _, text in forward(path)) == content


def test_first_lines_are_bounded(large: Path, tmp_path: Path) -> None:
    beginning = looked_at(first_lines, large)
    assert beginning.text.count("\n") == 40
    assert large.read_text(encoding="utf-8").startswith(beginning.text)
    assert not beginning.is_last

    wide = tmp_path / "wide.xml"
    wide.write_text("x" * 10**6)
    assert len(looked_at(first_lines, wide).text) == 8 * 1024


def view(client: Client, run: Run, **asked: Any) -> str:
    page = client.get(reverse("run-file", args=[run.pk]), asked).content.decode()
    return " ".join(page.split())


def test_file_view_leads_to_download(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task())
    content = (HEAD + "".join(map(batch, range(1_000))) + TAIL).encode()
    run_file(run).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    Run.objects.update(file_size=len(content), file_sha256=sha256)
    first = view(signed_in, run)
    address = re.search(r'<a href="([^"]*)" rel="next">', first)
    assert address
    second = " ".join(signed_in.get(address[1]).content.decode().split())
    last = view(signed_in, run, before=len(content))

    assert reverse("run-download", args=[run.pk]) in first
    assert '<span class="xml-tag">&lt;Batches&gt;</span>' in first
    assert "Bytes 0 to" in first
    assert 'rel="prev"' not in first
    assert 'rel="prev"' in second
    assert f"{len(content):,} of {len(content):,}" in last
    assert 'rel="next"' not in last
    assert "not the one that was written" not in first + second + last


@pytest.mark.parametrize("wrong", ["-1", "x", "²", "9" * 30, "9" * 18])
def test_nonsense_position_still_shows_a_page(
    signed_in: Client, make_task: MakeTask, wrong: str
) -> None:
    run = succeed(make_task())
    for name in ("at", "before"):
        assert "&lt;Batches" in view(signed_in, run, **{name: wrong})


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT.replace(b"Batches", b"Botches")])
def test_changed_file_is_flagged(signed_in: Client, make_task: MakeTask, content: bytes) -> None:
    run = succeed(make_task())
    changed = "This file is not the one that was written: its SHA-256 differs."
    result = reverse("run-detail", args=[run.pk])
    assert changed not in view(signed_in, run) + signed_in.get(result).content.decode()

    kept = run_file(run).stat()
    run_file(run).write_bytes(content)
    os.utime(run_file(run), ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert changed in view(signed_in, run)
    assert changed in signed_in.get(result).content.decode()


def test_a_run_without_a_file_says_why(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    assert f"{run} has no file yet: it is running." in view(signed_in, run)
    run.fail(OWNER, "No.")
    assert f"{run} has no file, because it failed." in view(signed_in, run)
    gone = succeed(Task.objects.get())
    run_file(gone).unlink()
    response = signed_in.get(reverse("run-file", args=[gone.pk]))
    assert response.status_code == 410
    assert "is no longer in the folder of this installation" in response.content.decode()


def test_markup_in_a_file_stays_text(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task())
    run_file(run).write_text("<script>alert(1)</script>")
    for name in ("run-file", "run-detail"):
        page = signed_in.get(reverse(name, args=[run.pk])).content.decode()
        assert "<script>alert" not in page
        assert "<script>alert(1)</script>" in unescape(re.sub("</?span[^>]*>", "", page))
