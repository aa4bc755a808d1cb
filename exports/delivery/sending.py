"""Sends due deliveries: takes one, tries it, and records the result."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError

from exports.connectwise.language import gettext as _
from exports.delivery import export_folder
from exports.delivery.errors import DeliveryError, DeliveryStoppedError, failure_sentence
from exports.models import Delivery, DeliveryLostError
from exports.models.codes import DeliveryErrorCode
from exports.storage.run_log import RunLog

logger = logging.getLogger(__name__)

_RENEW_EVERY = 5.0  # seconds

# The function that sends to each destination.
_SEND = {Delivery.Destination.EXPORT_FOLDER: export_folder.send}


def send_due(is_over: Callable[[], bool] = lambda: False) -> None:
    """Try every due delivery; one that fails does not stop the others."""
    owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    for delivery in Delivery.objects.due().select_related("run__task"):
        if is_over():
            return
        if delivery.take(owner):
            send(delivery, is_over)


def send(delivery: Delivery, is_over: Callable[[], bool]) -> None:
    """Try a delivery that this process has taken, and record the result."""
    try:
        _send(delivery, RunLog(delivery.run), is_over)
    except DeliveryStoppedError:
        delivery.release()
    except DeliveryLostError as error:
        logger.warning("%s", error)
    except (DatabaseError, InterfaceError):
        # It stays taken by this sender until the recovery releases it as stalled.
        logger.exception(_("%(delivery)s was put off."), {"delivery": delivery})


def _send(delivery: Delivery, log: RunLog, is_over: Callable[[], bool]) -> None:
    try:
        send = _SEND[Delivery.Destination(delivery.destination)]
        delivery.finish(send(delivery, log, _checkpoint(delivery, is_over)))
    except OSError as error:
        _record_failure(delivery, DeliveryError.of(error), log)
    except DeliveryError as error:
        _record_failure(delivery, error, log)
    except (ValueError, LookupError, RuntimeError) as error:
        # A bug in this program must not stop other deliveries.
        logger.exception(_("%(delivery)s failed unexpectedly."), {"delivery": delivery})
        unexpected = DeliveryError(DeliveryErrorCode.NOT_WRITTEN, type(error).__name__)
        _record_failure(delivery, unexpected, log)


def _record_failure(delivery: Delivery, error: DeliveryError, log: RunLog) -> None:
    if error.is_final:
        delivery.fail(error.code, error.detail)
    else:
        delivery.put_off(error.code, error.detail)
    log.warning_once(failure_sentence(error.code, error.detail, delivery.run.file_name))


def _checkpoint(delivery: Delivery, is_over: Callable[[], bool]) -> Callable[[], None]:
    renewed_at = time.monotonic()

    def checkpoint() -> None:
        nonlocal renewed_at
        if is_over():
            raise DeliveryStoppedError
        if time.monotonic() - renewed_at > _RENEW_EVERY:
            delivery.renew()
            renewed_at = time.monotonic()

    return checkpoint
