"""Deliveries to several destinations: names, tries, pauses, and who is woken (D2, D3, D5)."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from exports.delivery.sending import send_due
from exports.models import Delivery, Destination, Event, Run, Task, TaskDestination
from exports.models.deliveries import LONGEST_PAUSE, TOLD_AFTER
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.delivery.deliveries import delivery_of, retry_now
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


def add_folder(task: Task, path: Path, **fields: object) -> TaskDestination:
    """Another folder as the destination of a task."""
    destination = Destination.objects.create(
        name=path.name, kind="folder", address={"path": str(path)}, target_key=f"folder:{path}"
    )
    return TaskDestination.objects.create(task=task, destination=destination, **fields)


def nothing_found(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(batch_count=0)
    run.refresh_from_db()


@pytest.mark.rule("D2")
def test_each_destination_has_its_own_name(task: Task, tmp_path: Path, data_folder: Path) -> None:
    (tmp_path / "acme").mkdir()
    add_folder(task, tmp_path / "acme", name_template="acme-{run}.xml")
    run = run_now(task)

    content = run_file(run).read_bytes()
    assert (data_folder / "exports" / "batches.xml").read_bytes() == content
    assert (tmp_path / "acme" / f"acme-{run.pk}.xml").read_bytes() == content
    assert {row.state for row in run.deliveries.all()} == {"delivered"}


@pytest.mark.rule("D3")
def test_one_dead_destination_holds_up_no_other(
    task: Task, tmp_path: Path, data_folder: Path
) -> None:
    use = add_folder(task, tmp_path / "gone")
    run = run_now(task)

    row = run.deliveries.get(destination=use.destination)
    assert (run.status, row.state, row.error_code) == (
        "succeeded",
        "waiting",
        "delivery.folder_missing",
    )
    assert (data_folder / "exports" / "batches.xml").exists()
    (tmp_path / "gone").mkdir()
    retry_now()
    row.refresh_from_db()
    assert row.state == "delivered"
    outcomes = row.attempts.order_by("number").values_list("outcome", "error_code")
    assert list(outcomes) == [("failed", "delivery.folder_missing"), ("delivered", "")]


@pytest.mark.rule("D5")
def test_empty_run_is_delivered_only_where_asked(task: Task, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    use = add_folder(task, tmp_path / "all", sends_empty=True)
    run = run_now(task)
    Delivery.objects.all().delete()
    nothing_found(run)
    Delivery.objects.plan(run)

    assert run.deliveries.get().destination == use.destination


@pytest.mark.rule("D3")
def test_pauses_grow_up_to_a_day(task: Task, tmp_path: Path) -> None:
    add_folder(task, tmp_path / "gone")
    run = run_now(task)
    row = run.deliveries.get(state="waiting")
    pauses = [row.next_try_at - row.waits_since]
    for number in range(2, 17):
        assert row.take(f"sender {number}")
        row.put_off("delivery.unreachable", "no answer")
        pauses.append(row.next_try_at - row.waits_since)

    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE == timedelta(days=1)


def told() -> list[str]:
    return list(Event.objects.filter(code__startswith="delivery").values_list("code", flat=True))


def test_failure_is_told_once_until_recovery(task: Task, tmp_path: Path) -> None:
    add_folder(task, tmp_path / "gone")
    run_now(task)
    for _ in range(TOLD_AFTER - 1):
        assert told() == []
        retry_now()
    for _ in range(2):
        assert told() == ["delivery_failed"]
        retry_now()
    (tmp_path / "gone").mkdir()
    retry_now()
    assert told() == ["delivery_failed", "delivery_recovered"]


def test_delivered_file_wakes_those_that_wait(task: Task, tmp_path: Path) -> None:
    use = add_folder(task, tmp_path / "gone", name_template="{run}.xml")
    first = run_now(task)
    Delivery.objects.open().update(next_try_at=timezone.now() + timedelta(hours=20))
    (tmp_path / "gone").mkdir()
    run_now(task)
    send_due()

    assert first.deliveries.get(destination=use.destination).state == "delivered"


def test_two_senders_never_write_one_name(make_task: MakeTask, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    task = make_task()
    use = add_folder(task, tmp_path / "shared")
    rows = []
    for _ in range(2):
        run = jobs.queue_run(task, "manual")
        jobs.execute_here(run.pk, run.attempt)
        rows.append(run.deliveries.get(destination=use.destination))

    assert rows[0].take("one")
    assert not rows[1].take("another")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=rows[1].pk).update(state="sending")


def test_stopped_worker_gives_its_delivery_back(task: Task) -> None:
    run = jobs.queue_run(task, "manual")
    jobs.execute_here(run.pk, run.attempt)
    row = delivery_of(run)
    assert row.take("stopping")
    from exports.delivery.sending import send

    send(row, lambda: True)
    row.refresh_from_db()
    assert (row.state, row.attempts.get().outcome) == ("waiting", "stopped")
    send_due()
    row.refresh_from_db()
    assert row.state == "delivered"


@pytest.mark.rule("D4")
def test_file_changed_while_sent_never_gets_a_name(task: Task, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    use = add_folder(task, tmp_path / "there")
    run = jobs.queue_run(task, "manual")
    jobs.execute_here(run.pk, run.attempt)
    run.refresh_from_db()
    path = run_file(run)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    send_due()

    row = run.deliveries.get(destination=use.destination)
    assert row.error_code == "delivery.file_changed"
    assert list((tmp_path / "there").iterdir()) == []
