"""Whether runs reach workers, for pages."""

from django.conf import settings

from exports.models import Worker
from exports.workers.queues.chosen import queue_engine


def queue_error() -> str:
    """Why the queue cannot be used, as this process or a living worker sees it; "" when it can.

    A worker may be cut off from a queue that this host reaches, and the reverse.
    """
    if settings.CWEXPORT_QUEUE is None:
        return ""
    if problem := queue_engine().problem():
        return str(problem)
    errors = Worker.objects.cut_off().order_by("id").values_list("queue_error", flat=True)
    return errors.first() or ""
