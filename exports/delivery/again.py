"""*Deliver again*: a person sends a run's file to any destination, at any time (rule D3)."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from exports.models import (
    AuditAction,
    Delivery,
    Destination,
    Run,
    TaskDestination,
    record_action,
)
from exports.models.name_keys import name_key
from exports.storage.file_names import render_output_name


def deliver_again(run: Run, destination: Destination, requested_by: str) -> Delivery | None:
    """A new delivery, due now; None when one is on its way already, which is tried now.

    Where a newer run's file, or another task's, has the name, this file is put beside it. Raises
    Run.DoesNotExist while housekeeping deletes the run.
    """
    name = _name_for(run, destination)
    try:
        with transaction.atomic():
            # Housekeeping takes the same lock before it deletes the file (G1).
            Run.objects.select_for_update(no_key=True).get(pk=run.pk, pruned_at=None)
            delivery = Delivery.objects.create(
                run=run,
                destination=destination,
                destination_name=destination.name,
                file_name=name,
                name_key=name_key(name),
                requested_by=requested_by[:150],
            )
            where = {"destination": [None, destination], "file": [None, name]}
            record_action(AuditAction.DELIVERED_AGAIN, run, where)
            return delivery
    except IntegrityError:
        for row in run.deliveries.open().filter(destination=destination):
            row.forget_copy_elsewhere()
            row.try_now()
        return None


def _name_for(run: Run, destination: Destination) -> str:
    use = TaskDestination.objects.filter(task=run.task_id, destination=destination).first()
    template = use.name_template if use else ""
    earlier = run.deliveries.filter(destination=destination).order_by("id").first()
    if earlier is not None:
        name = earlier.file_name
    elif template and run.started_at is not None:
        name = render_output_name(
            template,
            task_name=run.task_name,
            run_id=run.pk,
            started_at=run.started_at,
            zone=ZoneInfo(settings.TIME_ZONE),
        )
    else:
        name = run.file_name
    return _beside(name, run) if _is_held(name, run, destination) else name


def _is_held(name: str, run: Run, destination: Destination) -> bool:
    """Whether a newer file, or one of another task, has the name or is about to get it."""
    same = Delivery.objects.filter(destination=destination, name_key=name_key(name))
    held = same.filter(state__in=[*Delivery.OPEN, Delivery.State.DELIVERED])
    return held.filter(Q(run_id__gt=run.pk) | ~Q(run__task=run.task_id)).exists()


def _beside(name: str, run: Run) -> str:
    """`batches.xml` → `batches-run40.xml`."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-run{run.pk}{dot}{ending}"
