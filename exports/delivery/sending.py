"""Sends due deliveries: takes one, tries it, and records the result (rule D3)."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError

from exports.connectwise.http.redaction import Redactor
from exports.connectwise.language import gettext as _
from exports.delivery.elsewhere import is_left_to_others
from exports.delivery.errors import (
    DeliveryError,
    DeliveryStoppedError,
    SupersededError,
    failure_sentence,
)
from exports.delivery.kind import Receipt, Target
from exports.delivery.parcel import Parcel
from exports.delivery.registry import kind_of
from exports.delivery.replacing import check_turn
from exports.logs.context import log_context
from exports.models import Delivery, DeliveryLostError, DestinationSecretsError
from exports.models.codes import DeliveryErrorCode
from exports.models.deliveries import DeliveryQuerySet
from exports.storage.run_log import RunLog

logger = logging.getLogger(__name__)

_RENEW_EVERY = 5.0  # seconds

IsOver = Callable[[], bool]


def send_due(is_over: IsOver = lambda: False, *, due: DeliveryQuerySet | None = None) -> None:
    """Try every due delivery, one after the other; one that fails does not stop the others."""
    owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    rows = Delivery.objects.due() if due is None else due
    for delivery in rows.select_related("run__task", "destination"):
        if is_over():
            return
        if not is_left_to_others(delivery) and delivery.take(owner):
            send(delivery, is_over)


def send(delivery: Delivery, is_over: IsOver) -> None:
    """Try a delivery that this process has taken, and record the result."""
    with log_context(run=delivery.run_id, task=delivery.run.task_name):
        _try(delivery, is_over)


def _try(delivery: Delivery, is_over: IsOver) -> None:
    try:
        _send(delivery, RunLog(delivery.run), is_over)
    except DeliveryStoppedError:
        delivery.release()
    except DeliveryLostError as error:
        logger.warning("%s", error)
    except (DatabaseError, InterfaceError):
        # It stays taken by this sender until the recovery releases it as stalled.
        logger.exception(_("%(delivery)s was put off."), {"delivery": delivery})


def _send(delivery: Delivery, log: RunLog, is_over: IsOver) -> None:
    try:
        receipt = _put(delivery, is_over)
    except SupersededError:
        delivery.finish(Delivery.State.SUPERSEDED)
    except DeliveryError as error:
        _record_failure(delivery, error, log)
    except OSError as error:
        _record_failure(delivery, DeliveryError.of(error), log)
    except (ValueError, LookupError, RuntimeError, TypeError, AttributeError) as error:
        # A bug in this program must not stop other deliveries.
        logger.exception(_("%(delivery)s failed unexpectedly."), {"delivery": delivery})
        name = type(error).__name__
        _record_failure(delivery, DeliveryError(DeliveryErrorCode.NOT_WRITTEN, name), log)
    else:
        location, compared = receipt.location, receipt.compared
        delivery.finish(Delivery.State.DELIVERED, location=location, compared=compared)
        params = {"file": delivery.file_name, "destination": delivery.destination_name}
        log.info(_("%(file)s in %(destination)s now holds this run.") % params)


def _put(delivery: Delivery, is_over: IsOver) -> Receipt:
    destination = delivery.destination
    if destination is None:
        message = _("The destination was deleted.")
        raise DeliveryError(DeliveryErrorCode.KIND_UNKNOWN, message)
    kind = kind_of(destination.kind)
    try:
        target = Target.of(destination)
    except DestinationSecretsError as error:
        raise DeliveryError(error.code, str(error)) from error
    checkpoint = _checkpoint(delivery, is_over)
    parcel = Parcel(delivery, checkpoint, lambda: check_turn(delivery))
    try:
        with kind.open(target, checkpoint, is_over) as session:
            session.prepare()
            checkpoint()
            return session.put(parcel)
    except DeliveryError as error:
        raise error.without(Redactor(*target.secrets.values())) from error


def _record_failure(delivery: Delivery, error: DeliveryError, log: RunLog) -> None:
    if error.is_final:
        delivery.fail(error.code, error.sentence)
    else:
        delivery.put_off(error.code, error.sentence)
    log.warning_once(failure_sentence(delivery))


def _checkpoint(delivery: Delivery, is_over: IsOver) -> Callable[[], None]:
    renewed_at = time.monotonic()

    def checkpoint() -> None:
        nonlocal renewed_at
        if is_over():
            raise DeliveryStoppedError
        if time.monotonic() - renewed_at > _RENEW_EVERY:
            delivery.renew()
            renewed_at = time.monotonic()

    return checkpoint
