"""The page of backups, and what pages say after a restore."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.models import Installation, Run, Task
from exports.storage.folders import folder_for

pytestmark = [pytest.mark.django_db, pytest.mark.rule("B3")]


@pytest.fixture
def restored() -> None:
    made_at = datetime(2026, 3, 1, 6, tzinfo=UTC)
    Installation.objects.mark_restored(made_at, timezone.now())


def page_of(signed_in: Client, name: str = "backups", *args: object) -> str:
    return signed_in.get(reverse(name, args=args)).content.decode()


def test_page_tells_of_the_last_backup(signed_in: Client) -> None:
    assert "There was none yet." in page_of(signed_in)

    Installation.objects.note_backup(datetime(2026, 3, 1, 6, tzinfo=UTC))

    page = page_of(signed_in)
    assert "2026" in page
    assert "Go on from here" not in page


def test_restore_is_told_on_home_and_task(signed_in: Client, task: Task, restored: None) -> None:
    assert "Restored from a backup" in page_of(signed_in, "home")
    assert "Nothing starts by itself yet." in page_of(signed_in, "task-detail", task.pk)
    assert task.name in page_of(signed_in)


def test_go_on_ends_the_hold_once(signed_in: Client, restored: None) -> None:
    answer = signed_in.post(reverse("backup-go-on"), follow=True).content.decode()
    assert "start runs again" in answer
    assert "Admin1" in page_of(signed_in)
    assert "Restored from a backup" not in page_of(signed_in, "home")

    again = signed_in.post(reverse("backup-go-on"), follow=True).content.decode()
    assert "Nothing is held back." in again


def test_run_now_asks_after_a_restore(signed_in: Client, task: Task, restored: None) -> None:
    address = reverse("task-run", args=[task.pk])

    asked = signed_in.post(address).content.decode()
    assert "a second time" in asked
    assert not Run.objects.exists()

    signed_in.post(address, {"despite_restore": "yes"})
    assert Run.objects.get().status == "queued"


@pytest.mark.rule("B4")
def test_unknown_files_are_listed(signed_in: Client) -> None:
    (folder_for("orphaned") / "run-7-1-0a1b2c3d.xml").write_text("<Batches />")

    assert "run-7-1-0a1b2c3d.xml" in page_of(signed_in)
    refused = signed_in.post(reverse("backup-take-in"), follow=True).content.decode()
    assert "no proof beside it" in refused
