"""The page of a run without batches says what other programs find in the export folder (O4)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Delivery, Run, Task
from tests.screen_fixtures import fail, start, succeed

MakeTask = Callable[..., Task]
pytestmark = pytest.mark.rule("O4")


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()


def deliver(run: Run, folder: Path) -> Path:
    """As the sender does; returns the file in the export folder."""
    path = folder / f"of-run-{run.pk}.xml"
    path.touch()
    delivered = Delivery.State.DELIVERED
    Delivery.objects.plan(run)
    run.deliveries.update(state=delivered, location=str(path), file_name=path.name)
    return path


def page_of(client: Client, run: Run) -> str:
    page = client.get(reverse("run-detail", args=[run.pk])).content.decode()
    return " ".join(page.split())


def test_run_without_file_names_the_one_before(
    signed_in: Client, task: Task, tmp_path: Path
) -> None:
    good = succeed(task)
    path = deliver(good, tmp_path)
    for run in (fail(task), succeed(task, batch_count=0)):
        page = page_of(signed_in, run)
        assert f"still holds the file before: <code>{path.name}</code> of" in page
        assert f'<a href="{reverse("run-detail", args=[good.pk])}">run {good.pk}</a> (' in page
    assert "export folder still holds" not in page_of(signed_in, good)


def test_file_picked_up_or_replaced_is_told(signed_in: Client, task: Task, tmp_path: Path) -> None:
    path = deliver(succeed(task), tmp_path)
    failed = fail(task)
    path.unlink()
    assert "is no longer there: it was picked up." in page_of(signed_in, failed)

    later = succeed(task)
    name = deliver(later, tmp_path).name
    assert f"Since then <code>{name}</code> of" in page_of(signed_in, failed)


def test_nothing_is_said_without_earlier_file(signed_in: Client, task: Task) -> None:
    succeed(task)
    assert "export folder still holds" not in page_of(signed_in, fail(task))
    assert "into the export folder" not in page_of(signed_in, start(task))
