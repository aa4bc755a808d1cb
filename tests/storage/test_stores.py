"""What every place for run files does alike (O2, O3, O5, Q1)."""

import hashlib
import io

import pytest

from exports.storage import files
from exports.storage.folders import folder_for
from exports.storage.store import FileChangedError

pytestmark = [
    pytest.mark.usefixtures("each_store"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CONTENT = b"<Batches>" + b"x" * 700_000 + b"</Batches>"
SIZE, SHA256 = len(CONTENT), hashlib.sha256(CONTENT).hexdigest()
NAME = "runs/run-1-1-deadbeef.xml"


def put(name: str = NAME, content: bytes = CONTENT) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    files.store().put(name, io.BytesIO(content), size=len(content), sha256=sha256)


@pytest.mark.rule("O5")
def test_file_is_read_as_it_was_written() -> None:
    put()
    store = files.store()
    with store.open(NAME) as stream:
        assert stream.seek(0, 2) == SIZE
        stream.seek(5)
        assert stream.read(10) == CONTENT[5:15]
        stream.seek(SIZE - 10)
        assert stream.read() == b"</Batches>"
        stream.seek(0)
        assert stream.read() == CONTENT
    with store.open_checked(NAME, size=SIZE, sha256=SHA256) as checked:
        assert checked.read() == CONTENT
    assert (store.size(NAME), store.sha256(NAME)) == (SIZE, SHA256)
    assert store.is_as_written(NAME, size=SIZE, sha256=SHA256)


def test_other_content_replaces_no_file() -> None:
    put()
    put()
    with pytest.raises(FileExistsError):
        put(content=CONTENT + b"\n")
    with files.store().open(NAME) as stream:
        assert stream.read() == CONTENT


@pytest.mark.rule("O2")
def test_file_that_arrives_otherwise_is_not_there() -> None:
    with pytest.raises(FileChangedError):
        files.store().put(NAME, io.BytesIO(CONTENT[:-1] + b"?"), size=SIZE, sha256=SHA256)
    assert list(files.store().names("runs")) == []


def test_missing_file_is_told_as_such() -> None:
    store = files.store()
    for ask in (store.open, store.size, store.sha256):
        with pytest.raises(FileNotFoundError):
            ask(NAME)
    with pytest.raises(FileNotFoundError):
        store.open_checked(NAME, size=1, sha256=SHA256)
    assert not store.exists(NAME)
    store.remove(NAME)


def test_names_are_those_of_one_folder() -> None:
    put()
    put("orphaned/run-2-1-deadbeef.xml", b"<Batches/>")
    assert list(files.store().names("runs")) == ["run-1-1-deadbeef.xml"]
    assert list(files.store().names("orphaned")) == ["run-2-1-deadbeef.xml"]


def test_moved_file_has_its_new_name_only() -> None:
    put()
    target = NAME.replace("runs", "orphaned")
    files.store().move(NAME, target)
    assert not files.store().exists(NAME)
    assert files.store().sha256(target) == SHA256


def test_other_content_is_not_handed_out() -> None:
    put()
    with pytest.raises(FileChangedError):
        files.store().open_checked(NAME, size=SIZE, sha256="0" * 64)
    assert not files.store().is_as_written(NAME, size=SIZE, sha256="0" * 64)


def test_note_is_kept_and_replaced() -> None:
    store = files.store()
    assert store.read_note("note") is None
    if store.where().startswith("/"):
        folder_for("runs")
    store.write_note("note", "first", is_new=True)
    assert store.read_note("note") == "first"
    store.write_note("note", "second")
    assert store.read_note("note") == "second"


def test_first_of_two_new_notes_stays() -> None:
    store = files.store()

    store.write_note("note", "first", is_new=True)
    store.write_note("note", "second", is_new=True)

    assert store.read_note("note") == "first"


def test_local_copy_has_the_content() -> None:
    put()
    with files.store().local_copy(NAME) as path:
        assert path.read_bytes() == CONTENT


def test_place_that_can_be_used_stays_empty() -> None:
    files.store().check()
    assert list(files.store().names("runs")) == []
