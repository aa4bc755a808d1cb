"""An interrupted run continues after the last page written, in the same file (rule R4)."""

import pytest

from exports.demo.answers import Request
from exports.demo.server import StandIn
from exports.models import LeaseLostError, LedgerEntry, Run
from exports.pipeline.lease import shutdown
from exports.pipeline.part_writer import PartWriter
from exports.pipeline.preflight import stored_preflight
from exports.storage import files
from exports.storage.run_log import RunLog
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.run_files import manifest_file, run_file

pytestmark = pytest.mark.django_db(transaction=True)


def interrupt_at_page(stand_in: StandIn, number: int) -> None:
    """Stop the worker, as SIGTERM does, when this page is requested."""
    seen = 0

    def hook(request: Request) -> None:
        nonlocal seen
        if request.query.get("orderBy") == "id asc":
            seen += 1
            if seen == number:
                shutdown.set()

    stand_in.on_request(hook)


def interrupted(make_task: MakeTask, stand_in: StandIn, **fields: object) -> Run:
    interrupt_at_page(stand_in, 4)
    run = jobs.queue_run(make_task(**fields), Run.Trigger.MANUAL)
    jobs.execute_here(run.pk, run.attempt)
    run.refresh_from_db()
    shutdown.clear()
    return run


def finished(run: Run) -> Run:
    jobs.execute_here(run.pk, run.attempt)
    run.refresh_from_db()
    return run


def test_shutdown_requeues_run_with_its_part(make_task: MakeTask, stand_in: StandIn) -> None:
    run = interrupted(make_task, stand_in)

    assert (run.status, run.attempt, run.owner) == ("queued", 2, "")
    assert 0 < run.fetched_count < len(stand_in.store)
    assert files.checked_beginning(run) is not None


@pytest.mark.rule("R4")
def test_resumed_file_is_byte_identical(make_task: MakeTask, stand_in: StandIn) -> None:
    run = interrupted(make_task, stand_in)
    had, last_id = run.fetched_count, run.last_id
    stand_in.requests.clear()
    resumed = finished(run)
    whole = run_now(make_task(name="Whole", output_file="whole.xml"))

    assert (resumed.status, resumed.error) == ("succeeded", "")
    assert resumed.file_sha256 == whole.file_sha256
    assert resumed.batch_count == len(stand_in.store)
    first_asked = stand_in.requests.lists[0].query["conditions"]
    assert had > 0
    assert f"id > {last_id}" in first_asked
    assert [
        entry.batch_id for entry in LedgerEntry.objects.filter(run_id=resumed.pk).order_by("id")
    ] == stand_in.store.ids


def test_resumed_run_keeps_window_and_dates(make_task: MakeTask, stand_in: StandIn) -> None:
    run = interrupted(make_task, stand_in, export="modified")
    before = (run.connectwise_started_at, run.modified_after, run.request_sent)
    resumed = finished(run)

    assert (resumed.connectwise_started_at, resumed.modified_after, resumed.request_sent) == before
    assert resumed.date_modified_after == before[0]


def test_damaged_part_file_is_written_anew(make_task: MakeTask, stand_in: StandIn) -> None:
    run = interrupted(make_task, stand_in)
    part = files.checked_beginning(run)
    assert part is not None
    content = bytearray(part.read_bytes())
    content[200] ^= 1
    part.write_bytes(content)
    resumed = finished(run)

    assert resumed.status == "succeeded"
    assert (
        resumed.batch_count
        == LedgerEntry.objects.filter(run_id=resumed.pk).count()
        == len(stand_in.store)
    )


def test_without_can_resume_from_failure_nothing_is_kept(
    make_task: MakeTask, stand_in: StandIn
) -> None:
    run = interrupted(make_task, stand_in, can_resume_from_failure=False)
    assert files.checked_beginning(run) is None

    assert finished(run).batch_count == len(stand_in.store)


def test_finished_run_leaves_no_part_file(make_task: MakeTask, stand_in: StandIn) -> None:
    run = finished(interrupted(make_task, stand_in))

    folder = run_file(run).parent
    assert sorted(folder.iterdir()) == [manifest_file(run), run_file(run)]


@pytest.mark.rule("W7")
def test_worker_that_lost_run_keeps_its_ledger(make_task: MakeTask, stand_in: StandIn) -> None:
    run = run_now(make_task())
    frozen = Run.objects.get(pk=run.pk)
    frozen.owner = "frozen"
    writer = PartWriter(frozen, None, stored_preflight(run), RunLog(run))  # type: ignore[arg-type]

    with pytest.raises(LeaseLostError):
        list(writer.write())
    assert LedgerEntry.objects.filter(run_id=run.pk).count() == len(stand_in.store)


def test_part_file_without_ledger_is_not_resumed(make_task: MakeTask, stand_in: StandIn) -> None:
    run = interrupted(make_task, stand_in)
    LedgerEntry.objects.filter(run_id=run.pk).first().delete()  # type: ignore[union-attr]
    resumed = finished(run)

    assert (
        resumed.batch_count
        == LedgerEntry.objects.filter(run_id=resumed.pk).count()
        == len(stand_in.store)
    )
