"""A file is published only if it is whole, valid, ascending and complete (X6, O3)."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exports.connectwise.xml.validation import CheckedFile, FileCheckError, check_file

from .documents import SAMPLE_RECORD, expected_document, written_records

_FLAG = "<exportInvoicesFlag>false</exportInvoicesFlag>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "batches.xml"


def _document(*ids: int) -> str:
    return written_records({**SAMPLE_RECORD, "id": batch_id} for batch_id in ids)


@pytest.mark.parametrize(
    ("name", "batch_count"),
    [
        ("sample", 1),
        ("empty", 0),
        ("missing_and_null", 4),
        ("extra_fields", 1),
        ("awkward", 1),
    ],
)
def test_expected_documents_pass_with_count_and_hash(
    file: Path, name: str, batch_count: int
) -> None:
    raw = expected_document(name).encode()
    file.write_bytes(raw)

    assert check_file(file, expected_count=batch_count) == CheckedFile(
        batch_count, len(raw), hashlib.sha256(raw).hexdigest()
    )


@pytest.mark.parametrize("missing", [1, 2, 3, 11, 12, 13, 40, 200, 400])
@pytest.mark.rule("X6")
def test_a_cut_file_is_refused(file: Path, missing: int) -> None:
    whole = _document(*range(1, 1001)).rstrip()
    file.write_text(whole[:-missing])

    with pytest.raises(FileCheckError, match=r"^The file is not well-formed XML: "):
        check_file(file, expected_count=1000)


@pytest.mark.parametrize("behind", ["x", "<x/>", "\0", " " * 200_000 + "\0", _document(1)])
def test_anything_behind_the_end_is_refused(file: Path, behind: str) -> None:
    file.write_text(_document(1) + behind)

    with pytest.raises(FileCheckError, match=r"^The file is not well-formed XML: "):
        check_file(file, expected_count=1)


def test_an_empty_file_is_refused(file: Path) -> None:
    file.touch()

    with pytest.raises(FileCheckError, match="no element found"):
        check_file(file, expected_count=0)


@pytest.mark.parametrize("expected_count", [2, 4])
def test_another_count_than_was_written_is_refused(file: Path, expected_count: int) -> None:
    file.write_text(_document(1, 2, 3))

    with pytest.raises(FileCheckError) as refused:
        check_file(file, expected_count=expected_count)

    assert str(refused.value) == (
        f"The file holds 3 batches, but {expected_count} were written. "
        "Run the task again; if it happens again, check the disk."
    )


@pytest.mark.parametrize(("ids", "pair"), [((1, 3, 3), (3, 3)), ((1, 5, 4, 2), (4, 5))])
def test_repeated_or_descending_ids_are_refused(
    file: Path, ids: tuple[int, ...], pair: tuple[int, int]
) -> None:
    file.write_text(_document(*ids))

    with pytest.raises(FileCheckError) as refused:
        check_file(file, expected_count=len(ids))

    assert str(refused.value) == (
        f"Batch {pair[0]} follows batch {pair[1]} in the file, but ids have to ascend and none may "
        "come twice. Run the task again."
    )


@pytest.mark.parametrize(
    ("valid", "invalid", "reason"),
    [
        ("<id>284</id>", "<id>x</id>", "Element 'id': 'x' is not a valid value"),
        ("<id>284</id>", "", "Expected is ( id )"),
        ("<externalId />", "<externalId>1</externalId>", "Element 'externalId'"),
        ("<externalId />", "", "Expected is ( externalId )"),
        (_FLAG, _FLAG.replace("false", "yes"), "'yes' is not a valid value"),
        (_FLAG, "", "Expected is ( exportInvoicesFlag )"),
        (_FLAG, _FLAG * 2, "Expected is ( exportExpensesFlag )"),
        ("</Batch>", '<x xmlns="urn:x" /></Batch>', "Element '{urn:x}x'"),
        ("</Batch>", "</Batch><Other />", "Element 'Other'"),
        ("Batches", "Invoices", "Element 'Invoices'"),
    ],
)
@pytest.mark.rule("X6")
def test_file_against_the_schema_is_refused(
    file: Path, valid: str, invalid: str, reason: str
) -> None:
    file.write_text(_document(284).replace(valid, invalid))

    with pytest.raises(FileCheckError) as refused:
        check_file(file, expected_count=1)

    assert str(refused.value).startswith("The file does not fit the schema batches.xsd: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Batches [<!ENTITY a "b">]>',
        '<!DOCTYPE Batches [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Batches SYSTEM "http://127.0.0.1:9/batches.dtd">',
    ],
)
def test_document_type_is_refused_unread(file: Path, doctype: str) -> None:
    file.write_text(_document(1).replace("<Batches", f"{doctype}<Batches"))

    with pytest.raises(FileCheckError, match="document type declaration"):
        check_file(file, expected_count=1)


@pytest.mark.parametrize("markup", ["<!-- x -->", "<![CDATA[x]]>"])
def test_comments_and_cdata_are_refused(file: Path, markup: str) -> None:
    file.write_text(_document(1).replace("</Batches>", f"{markup}</Batches>"))

    with pytest.raises(FileCheckError, match="which no export does"):
        check_file(file, expected_count=1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("utf-8", "iso-8859-1").encode(),
        lambda text: text.replace("utf-8", "utf-16").encode("utf-16"),
        lambda text: text.removeprefix('<?xml version="1.0" encoding="utf-8"?>\n').encode(),
        lambda text: text.encode("utf-8-sig"),
    ],
)
@pytest.mark.rule("X6")
def test_file_of_another_encoding_is_refused(file: Path, spoil: Callable[[str], bytes]) -> None:
    file.write_bytes(spoil(_document(1)))

    with pytest.raises(FileCheckError, match="does not begin with the declaration"):
        check_file(file, expected_count=1)


def test_blank_where_nothing_belongs_is_refused(file: Path) -> None:
    file.write_text(_document(1).replace("<externalId />", "<externalId> </externalId>"))

    with pytest.raises(FileCheckError, match="Element 'externalId'"):
        check_file(file, expected_count=1)


def test_extra_fields_named_batch_are_not_counted(file: Path) -> None:
    file.write_text(
        written_records(
            [{"id": 1, "Batch": {"id": 9, "Batch": None}}, {"id": 2, "Batch": 3}], extra=True
        )
    )

    assert check_file(file, expected_count=2).batch_count == 2


def test_text_above_ten_megabytes_passes(file: Path) -> None:
    file.write_text(written_records([{"id": 1, "batchIdentifier": "x" * 11_000_000}]))

    assert check_file(file, expected_count=1).batch_count == 1


def test_checkpoint_can_end_the_check(file: Path) -> None:
    file.write_text(_document(*range(1, 5001)))
    calls: list[None] = []

    def give_up_at_the_tenth_call() -> None:
        calls.append(None)
        if len(calls) == 10:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        check_file(file, expected_count=5000, checkpoint=give_up_at_the_tenth_call)

    assert len(calls) == 10


_MEASURE = """
import sys
from collections.abc import Callable
from pathlib import Path
from exports.connectwise.xml.validation import check_file
from exports.connectwise.xml.writer import BatchWriter

def peak_after(batch_count):
    path = Path(sys.argv[1])
    with path.open("wb") as stream, BatchWriter(stream, include_extra_fields=True) as writer:
        for number in range(batch_count):
            writer.write({"id": number, "batchIdentifier": str(number), "closedFlag": True})
    check_file(path, expected_count=batch_count)
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

print(peak_after(1_000), peak_after(100_000))
"""


@pytest.mark.rule("P5")
def test_validation_memory_does_not_grow(file: Path) -> None:
    """A tree of these batches would take some 230 MB; the peaks are in kB."""
    command = [sys.executable, "-c", _MEASURE, str(file)]

    printed = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    ).stdout

    few, many = map(int, printed.split())
    assert many - few < 5_000


def test_two_documents_in_one_file_are_refused(file: Path) -> None:
    file.write_text(_document(284) + _document(285))

    with pytest.raises(FileCheckError, match="not well-formed"):
        check_file(file, expected_count=2)


def test_whole_file_is_validated_in_many_pieces(file: Path) -> None:
    ids = range(1, 2_001)
    file.write_text(_document(*ids))
    assert file.stat().st_size > 500_000

    assert check_file(file, expected_count=2_000).batch_count == 2_000


@pytest.mark.parametrize("number", [1, 1_000, 2_000])
def test_wrong_value_in_any_piece_is_found(file: Path, number: int) -> None:
    whole = _document(*range(1, 2_001))
    file.write_text(whole.replace(f"<id>{number}</id>", "<id>none</id>"))

    with pytest.raises(FileCheckError, match="does not fit the schema"):
        check_file(file, expected_count=2_000)


@pytest.mark.parametrize("number", [1_000, 2_000])
def test_repeated_id_in_another_piece_is_found(file: Path, number: int) -> None:
    whole = _document(*range(1, 2_001))
    file.write_text(whole.replace(f"<id>{number}</id>", "<id>1</id>"))

    with pytest.raises(FileCheckError, match="have to ascend"):
        check_file(file, expected_count=2_000)
