"""Whether a file may take a name where others have theirs (rule O4).

An older run's file never replaces a newer one, and no task replaces another task's file.
"""

from django.db.models import F

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError, SupersededError
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode
from exports.models.deliveries import DeliveryQuerySet


def check_turn(delivery: Delivery) -> None:
    """Raises DeliveryError when another task owns the name, SupersededError after a newer run."""
    _check_name_is_free(delivery)
    if _is_superseded(delivery):
        raise SupersededError


def _check_name_is_free(delivery: Delivery) -> None:
    """Two templates may give the same name.

    The owner is the task that last put a file there, unless it was archived or its Output File
    changed since.
    """
    last = (
        _holding_name(delivery)
        .filter(run__task__archived_at=None, run__output_file=F("run__task__output_file"))
        .select_related("run__task")
        .order_by("-id")
        .first()
    )
    if last is not None and last.run.task_id != delivery.run.task_id:
        message = _(
            "%(file)s in %(destination)s belongs to %(task)s: it was not replaced. Give one of "
            "the two tasks another file name."
        )
        params = {
            "file": delivery.file_name,
            "destination": delivery.destination_name,
            "task": last.run.task.name,
        }
        raise DeliveryError(DeliveryErrorCode.NAME_TAKEN, message % params)


def _is_superseded(delivery: Delivery) -> bool:
    """Whether a newer run's file has this name or is about to get it."""
    run = delivery.run
    if _holding_name(delivery).filter(run_id__gt=run.pk).exists():
        return True
    newer = _same_name(delivery).filter(run__task_id=run.task_id, run_id__gt=run.pk)
    return newer.filter(requested_by="").exclude(state=Delivery.State.FAILED).exists()


def _holding_name(delivery: Delivery) -> DeliveryQuerySet:
    others = Delivery.objects.exclude(pk=delivery.pk)
    return others.holding_name(delivery.destination_id or 0, delivery.name_key)


def _same_name(delivery: Delivery) -> DeliveryQuerySet:
    return Delivery.objects.filter(
        destination=delivery.destination_id or 0, name_key=delivery.name_key
    )
