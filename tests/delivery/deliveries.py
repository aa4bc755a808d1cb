"""Helpers for deliveries: make them due at once, and retry them."""

import hashlib
import os
from datetime import timedelta

from django.utils import timezone

from exports import clock
from exports.delivery.sending import send_due
from exports.models import Delivery, Run
from exports.models.deliveries import STALLED_AFTER
from exports.workers import recovery
from tests.run_files import run_file


def delivery_of(run: Run) -> Delivery:
    return Delivery.objects.select_related("run__task").get(run=run)


def make_due(run: Run, **fields: object) -> None:
    """Make the file of this run due to be sent (again) now."""
    waiting = {"state": "waiting", "next_try_at": timezone.now(), "finished_at": None}
    Delivery.objects.filter(run=run).update(**{**waiting, **fields})


def retry_now() -> None:
    """Retry as after the pauses, with dead senders detected."""
    Delivery.objects.open().update(state="waiting", owner="", next_try_at=timezone.now())
    send_due()


def take_over() -> None:
    """What another worker does when a killed one has been silent for a minute."""
    silent_since = clock.now() - STALLED_AFTER - timedelta(seconds=1)
    Delivery.objects.sending().update(heartbeat_at=silent_since)
    recovery.recover()
    send_due()


def enlarge(run: Run, size: int) -> bytes:
    """Make the run's file larger by so many bytes."""
    content: bytes = run_file(run).read_bytes() + os.urandom(size)
    run_file(run).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    Run.objects.filter(pk=run.pk).update(file_size=len(content), file_sha256=sha256)
    return content
