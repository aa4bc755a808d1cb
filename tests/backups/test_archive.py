"""An archive that was cut off, altered or put together anew is noticed, encrypted or not."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from exports.backups.archive import ArchiveWriter, Content, read_archive
from exports.backups.errors import BackupError
from exports.backups.sealing import MAGIC, check_passphrase

PASSPHRASE = "correct horse battery staple"
ABOUT = {"format": 1, "made_at": "2026-11-30T01:00:00Z"}
NAME = "runs/run-1-1-0a1b2c3d.xml"
# More than two chunks, and nothing that can be made smaller.
CONTENT = bytes(range(256)) * 3_000


def written(path: Path, passphrase: str = "") -> Path:
    file = path.with_name("run.xml")
    file.write_bytes(CONTENT)
    with path.open("wb") as stream:
        writer = ArchiveWriter(stream, ABOUT, passphrase)
        writer.add_file(NAME, file)
        writer.add_text("keys/secret_key", "a key")
        writer.finish()
    return path


def read(path: Path, passphrase: str = "") -> Content:
    return read_archive(path, passphrase, on_about=lambda about: None)


@pytest.mark.rule("B1")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_archive_gives_back_what_went_in(tmp_path: Path, passphrase: str) -> None:
    path = written(tmp_path / "a.backup", passphrase)
    found: dict[str, io.BytesIO] = {}

    class Kept(io.BytesIO):
        def close(self) -> None:
            pass

    def sink(name: str) -> io.BytesIO:
        return found.setdefault(name, Kept())

    content = read_archive(path, passphrase, on_about=lambda about: None, sink=sink)

    assert content.about == ABOUT
    assert found[NAME].getvalue() == CONTENT
    assert found["keys/secret_key"].getvalue() == b"a key"
    assert (b"a key" in path.read_bytes()) is False


@pytest.mark.rule("B1")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_archive_cut_off_anywhere_is_refused(tmp_path: Path, passphrase: str) -> None:
    whole = written(tmp_path / "a.backup", passphrase).read_bytes()
    cut = tmp_path / "cut.backup"
    for size in (len(MAGIC) + 5, 2_000, len(whole) // 2, len(whole) - 20, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(BackupError):
            read(cut, passphrase)


@pytest.mark.rule("B1")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_single_altered_byte_is_noticed(tmp_path: Path, passphrase: str) -> None:
    whole = written(tmp_path / "a.backup", passphrase).read_bytes()
    altered = tmp_path / "altered.backup"
    for place in (len(MAGIC) + 3, 1_500, len(whole) // 2, len(whole) - 9):
        content = bytearray(whole)
        content[place] ^= 1
        altered.write_bytes(content)
        with pytest.raises(BackupError):
            read(altered, passphrase)


@pytest.mark.rule("B1")
def test_sealed_chunks_cannot_be_swapped(tmp_path: Path) -> None:
    source = tmp_path / "random"
    source.write_bytes(os.urandom(1_000_000))
    path = tmp_path / "a.backup"
    with path.open("wb") as stream:
        writer = ArchiveWriter(stream, ABOUT, PASSPHRASE)
        writer.add_file(NAME, source)
        writer.finish()
    whole, start, size = path.read_bytes(), len(MAGIC) + 23, (1 << 18) + 16
    chunks = [whole[at : at + size] for at in range(start, len(whole), size)]
    chunks[1], chunks[2] = chunks[2], chunks[1]
    path.write_bytes(whole[:start] + b"".join(chunks))

    with pytest.raises(BackupError, match="not whole"):
        read(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("another passphrase", "passphrase does not open"), ("", "--passphrase-file")],
)
def test_wrong_passphrase_is_a_sentence(tmp_path: Path, given: str, sentence: str) -> None:
    with pytest.raises(BackupError, match=sentence):
        read(written(tmp_path / "a.backup", PASSPHRASE), given)


def test_short_passphrase_is_refused() -> None:
    with pytest.raises(BackupError, match="12 at least"):
        check_passphrase("hunter2")


@pytest.mark.parametrize(
    "name", ["../runs/run-1-1.xml", "/etc/passwd", "runs/../x.xml", "runs/run-1-1.xml/x", "x"]
)
def test_foreign_names_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.backup"
    with tarfile.open(path, "w:gz") as tar:
        for entry, content in (("about.json", json.dumps(ABOUT).encode()), (name, b"x")):
            row = tarfile.TarInfo(entry)
            row.size = len(content)
            tar.addfile(row, io.BytesIO(content))

    with pytest.raises(BackupError, match="does not know"):
        read(path)


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    with tarfile.open(path, "w:gz") as tar:
        row = tarfile.TarInfo(NAME)
        row.type, row.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(row)

    with pytest.raises(BackupError, match="does not know"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8bnonsense"])
def test_other_files_are_no_backups(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.backup"
    path.write_bytes(content)

    with pytest.raises(BackupError):
        read(path)
