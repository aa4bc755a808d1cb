"""The demo's two weeks of history: real runs, dated back."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.contrib.auth.models import User

from exports.demo.growth import change_batches
from exports.demo.server import StandIn
from exports.management.living_demo.past import Past
from exports.management.living_demo.tasks import make_tasks
from exports.models import Connection, Run, Task
from tests.run_files import manifest_file, run_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tasks(connection: Connection, stand_in: StandIn, admin_user: User) -> dict[str, Task]:
    made = make_tasks(connection)
    told: list[str] = []
    Past(stand_in, made, admin_user, tell=told.append).make()
    # A line for each evening, so that nobody wonders what it is doing.
    assert len(told) == 15
    return made


def test_history_shows_every_state(tasks: dict[str, Task]) -> None:
    runs = Run.objects.all()
    assert {run.status for run in runs} == {"succeeded", "failed", "cancelled"}
    assert runs.exclude(suspicion="").exists()
    assert runs.filter(retry_count__gt=0).exists()
    unused = Task.objects.filter(runs=None)
    assert {task.name for task in unused} == {"Demo batches", "Sandbox"}

    now, queued = datetime.now(UTC), [run.queued_at for run in runs]
    assert now - min(queued) > timedelta(days=13)
    assert max(queued) < now


def test_files_dates_and_proofs_belong_together(tasks: dict[str, Task]) -> None:
    for run in Run.objects.succeeded():
        assert hashlib.sha256(run_file(run).read_bytes()).hexdigest() == run.file_sha256
        proof = manifest_file(run).read_bytes()
        assert hashlib.sha256(proof).hexdigest() == run.manifest_sha256
        assert json.loads(proof)["started"] == f"{run.started_at:%Y-%m-%dT%H:%M:%SZ}"
    # Each evening exported what was added since the evening before, and only that.
    nightly = Run.objects.succeeded().filter(task_name="Nightly batches").order_by("id")
    assert all(0 < (run.batch_count or 0) < 50 for run in nightly[1:])


def test_people_work_in_the_stand_in(stand_in: StandIn) -> None:
    before = len(stand_in.store)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    change_batches(stand_in, at, Random(1), added_count=2, touched_count=1)

    assert len(stand_in.store) == before + 2
    newest = [row.record["_info"]["lastUpdated"] for row in stand_in.store.select()]
    assert newest.count("2026-03-01T12:00:00Z") == 3
