"""Why a delivery failed: a stable code, and a sentence for people."""

import errno
from typing import Self

from exports.connectwise.http.redaction import Redactor
from exports.connectwise.language import Message, message_of
from exports.connectwise.language import gettext as _
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode

_CODES = {
    errno.ENOSPC: DeliveryErrorCode.DISK_FULL,
    errno.EDQUOT: DeliveryErrorCode.DISK_FULL,
    errno.EACCES: DeliveryErrorCode.NOT_PERMITTED,
    errno.EPERM: DeliveryErrorCode.NOT_PERMITTED,
    errno.EROFS: DeliveryErrorCode.NOT_PERMITTED,
}


class DeliveryError(Exception):
    """This try failed; `str()` is a sentence or the words of the other side."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether no further try would help."""
        return self.code in DeliveryErrorCode.final()

    @property
    def sentence(self) -> str:
        return message_of(self)

    @classmethod
    def of(cls, error: OSError) -> Self:
        code = _CODES.get(error.errno or 0, DeliveryErrorCode.NOT_WRITTEN)
        return cls(code, error.strerror or str(error))

    def without(self, secrets: Redactor) -> "DeliveryError":
        """The same without secrets that the other side may have echoed (rule C3)."""
        shown = str(self)
        redacted = secrets.redact(shown)
        return self if redacted == shown else DeliveryError(self.code, redacted)


class SupersededError(Exception):
    """A newer run's file has the name already: this one is not needed any more."""


class DeliveryStoppedError(Exception):
    """This worker is shutting down, or the time of a test is over."""


def failure_sentence(delivery: Delivery) -> str:
    """The message for people about a failed try."""
    if delivery.error_code == DeliveryErrorCode.NAME_TAKEN:
        return str(delivery.error)
    params = {"file": delivery.file_name, "destination": delivery.destination_name}
    reason = _reason(delivery)
    if delivery.state == Delivery.State.FAILED:
        message = _("%(file)s was not delivered to %(destination)s: %(reason)s")
    else:
        message = _("%(file)s was not delivered to %(destination)s yet: %(reason)s")
    return message % {**params, "reason": reason}


def _reason(delivery: Delivery) -> str:
    """What was kept about the failure, else what its code says."""
    if delivery.error:
        return str(delivery.error) if not isinstance(delivery.error, Message) else delivery.error
    return str(dict(DeliveryErrorCode.choices).get(delivery.error_code, delivery.error_code))
