"""What the export folder holds of a task when a run has put no file there (rule O4)."""

from dataclasses import dataclass
from pathlib import Path

from exports.models import Delivery, Run
from exports.models.destinations import EXPORT_FOLDER_TARGET


@dataclass(frozen=True)
class StandingFile:
    """The newest file of the task in the export folder, and whether it is still there."""

    delivery: Delivery
    is_newer: bool
    is_there: bool


def standing_file(run: Run) -> StandingFile | None:
    """None for a run with batches, a re-export, and a task without a file there."""
    if run.is_active or run.is_reexport or run.batch_count:
        return None
    there = Delivery.objects.filter(
        run__task_id=run.task_id,
        destination__target_key=EXPORT_FOLDER_TARGET,
        state=Delivery.State.DELIVERED,
    )
    newest = there.select_related("run").order_by("-run_id").first()
    if newest is None or newest.run_id == run.pk:
        return None
    return StandingFile(newest, newest.run_id > run.pk, _exists(newest.location))


def _exists(location: str) -> bool:
    try:
        return bool(location) and Path(location).exists()
    except OSError:
        return False
