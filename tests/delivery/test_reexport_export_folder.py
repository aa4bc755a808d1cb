"""A change first exported by *Export again* still reaches the export folder (W6, O4, R7)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from exports.demo.server import StandIn
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.pipeline.test_modes import z

pytestmark = pytest.mark.django_db(transaction=True)


def test_change_first_seen_by_reexport_is_delivered(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified", output_file="{run}.xml")
    first = run_now(task)
    stand_in.store.touch(284, z(datetime.now(UTC)), batchIdentifier="changed")
    again = jobs.queue_reexport(task, of_run=first)
    jobs.execute_here(again.pk, again.attempt)
    run_now(task)

    picked_up = (Path(settings.CWEXPORT_DATA_DIR) / "exports").glob("*.xml")
    assert any(b"changed" in path.read_bytes() for path in picked_up)
