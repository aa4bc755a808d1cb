"""The page of housekeeping: space, limits, what goes next; and what stays of a deleted run."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from exports.housekeeping import rounds
from exports.models import HousekeepingRound, Run, Task, Worker
from exports.models.runs import RunSummary
from exports.reporting.space import space_used
from exports.storage.disk_room import DiskRoom
from tests.conftest import MakeTask
from tests.housekeeping.pruning import make_old, prune
from tests.screen_fixtures import fail, put_out, succeed

pytestmark = [pytest.mark.django_db, pytest.mark.rule("G3")]


def page_of(signed_in: Client) -> str:
    return signed_in.get(reverse("housekeeping")).content.decode()


def test_empty_installation_shows_limits(signed_in: Client) -> None:
    page = page_of(signed_in)

    assert "90 days" in page
    assert "CWEXPORT_KEEP_RUNS" in page
    assert "Nothing is old enough to be deleted then." in page
    assert "There was none yet." in page


def test_page_names_what_goes_and_what_stays(signed_in: Client, task: Task) -> None:
    old, newest = succeed(task), succeed(task)
    make_old(old, newest)
    page = page_of(signed_in)

    going, kept = page.split("Old, but kept")
    assert f"Run {old.pk} of Nightly batches" in going
    assert "It deletes 1 runs" in going
    assert f"Run {newest.pk} of Nightly batches" in kept
    assert "the newest file with batches of its task" in kept


def test_space_is_shown_by_task(signed_in: Client, make_task: MakeTask) -> None:
    for number in range(22):
        task = make_task(name=f"Task {number}", output_file=f"{number}.xml")
        succeed(task, file_size=1_000_000 * (number + 1))
    page = page_of(signed_in)

    assert page.index("Task 21") < page.index("Task 20") < page.index("All others")
    assert "241.3" in page  # MB of 22 files


def test_page_costs_the_same_with_more_runs(
    signed_in: Client, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        task = make_task(name=f"Task {number}", output_file=f"{number}.xml")
        make_old(succeed(task), succeed(task))
    with django_assert_max_num_queries(20):
        page_of(signed_in)


def test_clean_up_is_asked_for_once(signed_in: Client, task: Task) -> None:
    Worker.objects.see("worker-1", 1)
    for _ in range(2):
        answer = signed_in.post(reverse("housekeeping-clean-up"), follow=True)
    page = answer.content.decode()

    assert HousekeepingRound.objects.get().requested_by is not None
    assert "Housekeeping is about to start already." in page
    assert "A worker begins within a minute." in page
    assert 'hx-trigger="every 2s"' in page


def test_clean_up_without_worker_says_so(signed_in: Client) -> None:
    answer = signed_in.post(reverse("housekeeping-clean-up"), follow=True)

    assert "No worker is running" in answer.content.decode()


def test_ended_round_is_polled_no_longer(signed_in: Client, task: Task) -> None:
    make_old(succeed(task))
    succeed(task)
    signed_in.post(reverse("housekeeping-clean-up"))
    HousekeepingRound.objects.update(day=rounds.due_day(timezone.now()))
    rounds.tick(timezone.now())
    fragment = signed_in.get(reverse("housekeeping-round")).content.decode()

    assert "hx-get" not in fragment
    assert "Deleted: 1 runs" in fragment


def test_failed_round_shows_its_reason(signed_in: Client) -> None:
    now = timezone.now()
    row = HousekeepingRound.objects.ask("manual", now)
    assert row is not None
    assert row.take("worker-1", now)
    row.fail(now, "run-1.xml cannot be deleted: Permission denied.")

    assert "run-1.xml cannot be deleted: Permission denied." in page_of(signed_in)


@pytest.mark.parametrize(
    ("free", "total", "is_full"),
    [(11, 4_000, False), (9, 4_000, True), (2, 30, False), (2, 50, True), (0.9, 10, True)],
)
def test_disk_is_nearly_full(free: float, total: int, is_full: bool) -> None:
    giga = 1_000_000_000

    assert DiskRoom(int(free * giga), total * giga).is_nearly_full is is_full


def test_disk_is_looked_at(db: None, settings: Settings) -> None:
    settings.CWEXPORT_DATA_DIR = settings.CWEXPORT_DATA_DIR / "gone" / "away"

    assert space_used().disk is None


@pytest.mark.rule("G2")
def test_ledger_says_that_the_file_is_gone(signed_in: Client, task: Task) -> None:
    old, newest = succeed(task), succeed(task)
    put_out(old, 284)
    put_out(newest, 285)
    prune(task)
    RunSummary.objects.filter(pk=old.pk).update(delivered_to=["Bank (sftp://bank/in/batches.xml)"])
    page = signed_in.get(reverse("task-ledger", args=[task.pk]), {"batch": "284"}).content.decode()

    assert f"went out, last in run {old.pk}" in page
    assert "batches.xml, deleted by housekeeping" in page
    assert old.file_sha256 in page
    assert "Delivered to Bank (sftp://bank/in/batches.xml)" in page


@pytest.mark.rule("G2")
def test_page_of_deleted_run_shows_what_stays(signed_in: Client, task: Task) -> None:
    old, newest = succeed(task), succeed(task)
    prune(task)
    answer = signed_in.get(reverse("run-detail", args=[old.pk]))
    page = answer.content.decode()

    assert answer.status_code == 410
    assert "Housekeeping deleted this run, its log and its file" in page
    assert old.file_sha256 in page
    assert signed_in.get(reverse("run-download", args=[old.pk])).status_code == 404
    assert signed_in.get(reverse("run-detail", args=[newest.pk])).status_code == 200


def test_deleted_failure_is_not_found(signed_in: Client, task: Task) -> None:
    failure = fail(task)
    failure.close_failure()
    make_old(failure, days=91)
    fail(task)
    prune(task)

    assert not Run.objects.filter(pk=failure.pk).exists()
    assert signed_in.get(reverse("run-detail", args=[failure.pk])).status_code == 404
