"""Why a delivery failed: a stable code and the sentence shown for it."""

import errno
from typing import Self

from django.utils.translation import gettext_noop

from exports.connectwise.language import gettext as _
from exports.models.codes import DeliveryErrorCode

_NAME_TAKEN = gettext_noop(
    "%(file)s in the export folder belongs to %(task)s: it was not replaced. Give one "
    "of the two tasks another Output File."
)
_REASONS: dict[str, str] = {
    DeliveryErrorCode.BUSY: gettext_noop("another worker is replacing a file there"),
    DeliveryErrorCode.FILE_CHANGED: gettext_noop(
        "the run's own file is no longer what was recorded; restore it from a backup"
    ),
}
_CODES = {
    errno.ENOSPC: DeliveryErrorCode.DISK_FULL,
    errno.EDQUOT: DeliveryErrorCode.DISK_FULL,
    errno.EACCES: DeliveryErrorCode.NOT_PERMITTED,
    errno.EPERM: DeliveryErrorCode.NOT_PERMITTED,
    errno.EROFS: DeliveryErrorCode.NOT_PERMITTED,
}


class DeliveryError(Exception):
    """This try failed. `detail` is the task that owns the name, or the system's error."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".rstrip())
        self.code = code
        self.detail = detail

    @property
    def is_final(self) -> bool:
        """Whether no further try would help."""
        return self.code == DeliveryErrorCode.NAME_TAKEN

    @classmethod
    def of(cls, error: OSError) -> Self:
        code = _CODES.get(error.errno or 0, DeliveryErrorCode.NOT_WRITTEN)
        return cls(code, error.strerror or str(error))


class DeliveryStoppedError(Exception):
    """This worker is shutting down; another one sends the file."""


def failure_sentence(code: str, detail: str, file_name: str) -> str:
    """The message for people about a failed try."""
    if code == DeliveryErrorCode.NAME_TAKEN:
        return _(_NAME_TAKEN) % {"file": file_name, "task": detail}
    reason = _(_REASONS[code]) if code in _REASONS else detail
    message = _("%(file)s in the export folder was not replaced yet: %(reason)s.")
    return message % {"file": file_name, "reason": reason}
