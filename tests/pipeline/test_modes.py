"""One run end to end per mode, over real HTTP, into a real file (rules W1 to W6, O1 to O5)."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from exports.demo.server import StandIn
from exports.models import Run, Task
from tests.conftest import MakeTask, run_now
from tests.run_files import manifest_file, run_file

pytestmark = pytest.mark.django_db(transaction=True)


def exported_ids(run: Run) -> list[int]:
    tree = etree.parse(run_file(run))
    return [int(text) for text in tree.xpath("/Batches/Batch/id/text()")]


def z(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.rule("W1")
def test_all_exports_every_batch_once_in_order(task: Task, stand_in: StandIn) -> None:
    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
    assert run.batch_count == run.fetched_count == run.expected_count == len(stand_in.store)
    assert run.proven_count == run.fetched_count


@pytest.mark.rule("O4")
def test_file_is_recorded_and_copied_out(task: Task, data_folder: Path) -> None:
    run = run_now(task)

    content = run_file(run).read_bytes()
    assert run.file_sha256 == hashlib.sha256(content).hexdigest()
    assert run.file_size == len(content)
    assert (data_folder / "exports" / "batches.xml").read_bytes() == content
    assert run.deliveries.get().state == "delivered"
    assert sorted(path.name for path in (data_folder / "runs").iterdir()) == [
        manifest_file(run).name,
        run_file(run).name,
    ]


@pytest.mark.rule("W2", "W3")
def test_both_dates_move_by_connectwises_clock(task: Task) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    run = run_now(task)

    task.refresh_from_db()
    assert before <= task.date_modified <= datetime.now(UTC)
    assert task.date_created == task.date_modified == run.connectwise_started_at
    assert (run.date_created_after, run.date_modified_after) == (
        task.date_created,
        task.date_modified,
    )
    moves = task.date_changes.filter(origin="run").order_by("id")
    assert [(move.field, move.run_id) for move in moves] == [
        ("date_created", run.pk),
        ("date_modified", run.pk),
    ]


@pytest.mark.rule("W1", "W3")
def test_modified_exports_what_changed_since_and_nothing_twice(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    now = datetime.now(UTC)
    changed, late = stand_in.store.ids[3], stand_in.store.ids[7]
    stand_in.store.touch(changed, z(now + timedelta(seconds=1)))
    # Becomes visible only now, though its last update is before the date.
    stand_in.store.touch(late, z(now - timedelta(minutes=5)))

    second, third = run_now(task), run_now(task)

    assert exported_ids(first) == stand_in.store.ids
    assert exported_ids(second) == [changed, late]
    assert exported_ids(third) == []
    assert third.status == "succeeded"
    assert third.fetched_count == third.skipped_count == 2


@pytest.mark.rule("W1")
def test_new_exports_only_what_was_added_since(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="new")
    first = run_now(task)
    stand_in.store.touch(stand_in.store.ids[3], z(datetime.now(UTC)))
    added = stand_in.store.add(
        {"batchIdentifier": "new", "_info": {"lastUpdated": z(datetime.now(UTC))}}
    )

    second, third = run_now(task), run_now(task)

    assert exported_ids(first) == [number for number in stand_in.store.ids if number != added]
    assert exported_ids(second) == [added]
    assert exported_ids(third) == []
    task.refresh_from_db()
    assert task.date_modified == datetime(1970, 1, 1, tzinfo=UTC)


def test_typed_created_date_falls_back_to_updates(make_task: MakeTask, stand_in: StandIn) -> None:
    middle = stand_in.store.records[60]["_info"]["lastUpdated"]
    task = make_task(export="new", date_created=datetime.fromisoformat(middle))
    run = run_now(task)

    not_after = [r["id"] for r in stand_in.store.records if r["_info"]["lastUpdated"] <= middle]
    assert run.start_id == max(not_after)
    assert exported_ids(run) == [n for n in stand_in.store.ids if n > max(not_after)]
    assert "no created date" in run.window_reason


@pytest.mark.rule("O4")
def test_run_without_batches_keeps_last_copy(make_task: MakeTask, data_folder: Path) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    second = run_now(task)

    assert second.batch_count == 0
    assert (data_folder / "exports" / "batches.xml").read_bytes() == run_file(first).read_bytes()


@pytest.mark.parametrize("export", ["all", "modified", "new"])
def test_the_seeds_sample_comes_out_byte_for_byte(
    make_task: MakeTask, stand_in: StandIn, export: str
) -> None:
    task = make_task(export=export)
    task.conditions.create(position=0, field="id", comparison="Equal", value="284")
    sample = Path(__file__).parents[1] / "connectwise" / "xml" / "expected" / "sample.xml"

    assert run_file(run_now(task)).read_bytes() == sample.read_bytes()
