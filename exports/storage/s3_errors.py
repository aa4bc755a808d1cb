"""What a storage answers or does not answer, in words for the operator."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import ConnectWiseError, StoppedError
from exports.connectwise.http.network_errors import FOREIGN_ERRORS, own_error
from exports.connectwise.http.outgoing import OutgoingRefusedError
from exports.connectwise.http.sockets import StopRequestedError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.storage.places import S3Place
from exports.storage.s3_client import S3AnswerError, S3RefusedError
from exports.storage.store import StorageError, StorageUnreachableError

_KEY: Final = gettext_noop(
    "%(host)s refused the access key (%(code)s): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_REFUSALS: Final = {
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": _KEY,
    "InvalidToken": gettext_noop(
        "%(host)s refused the session token (%(code)s): check AWS_SESSION_TOKEN."
    ),
    "ExpiredToken": gettext_noop(
        "%(host)s refused the session token (%(code)s): check AWS_SESSION_TOKEN."
    ),
    "AccessDenied": gettext_noop(
        "The access key may not do that in %(place)s (%(code)s): it must be allowed to list the "
        "bucket, and to read, write and delete below the prefix."
    ),
    "NoSuchBucket": gettext_noop(
        "%(host)s has no bucket %(bucket)s: create it, or correct its name in CWEXPORT_FILES."
    ),
    "PermanentRedirect": gettext_noop(
        "The bucket %(bucket)s is in another region (%(code)s): add ?region=… to CWEXPORT_FILES."
    ),
    "AuthorizationHeaderMalformed": gettext_noop(
        "The bucket %(bucket)s is in another region (%(code)s): add ?region=… to CWEXPORT_FILES."
    ),
    "EntityTooLarge": gettext_noop("%(host)s takes no file of this size (%(code)s)."),
    "QuotaExceeded": gettext_noop("%(host)s has no room left (%(code)s)."),
    "XMinioStorageFull": gettext_noop("%(host)s has no room left (%(code)s)."),
    "BadDigest": gettext_noop("%(host)s received something else than was sent (%(code)s)."),
    "XAmzContentChecksumMismatch": gettext_noop(
        "%(host)s received something else than was sent (%(code)s)."
    ),
    "RequestTimeTooSkewed": gettext_noop(
        "The clocks of this machine and of %(host)s differ too much (%(code)s): set them right."
    ),
}
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
# The answer of a storage that is overloaded or being started.
_PASSING: Final = frozenset({"SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError"})


def refusal(error: S3RefusedError, place: S3Place, host: str) -> OSError:
    if error.code in _MISSING:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    params = {
        "host": host,
        "place": str(place),
        "bucket": place.bucket,
        "code": error.code,
        "status": error.status,
    }
    if error.code in _REFUSALS:
        return StorageError(_(_REFUSALS[error.code]) % params)
    if error.code in _PASSING or (error.status or 0) >= 500:
        message = _("The storage %(host)s cannot answer just now (%(code)s).")
        return StorageUnreachableError(message % params)
    if error.status in (401, 403):
        # An answer without a body, as to HEAD, names no reason.
        return StorageError(_(_REFUSALS["AccessDenied"]) % params)
    message = _("The storage %(host)s refused: %(code)s (%(status)s).")
    return StorageError(message % params)


def strange_answer(error: S3AnswerError, host: str) -> StorageUnreachableError:
    message = _("%(host)s sent what no storage sends (%(reason)s): check the endpoint.")
    return StorageUnreachableError(message % {"host": host, "reason": str(error)})


@contextmanager
def network_faults(host: str) -> Iterator[None]:
    """Raise StorageError or StoppedError for what the transport raises inside."""
    try:
        yield
    except StopRequestedError:
        raise StoppedError(step="batches") from None
    except (AddressRefusedError, OutgoingRefusedError) as error:
        raise StorageError(str(error)) from error
    except ConnectWiseError as error:
        raise _unreachable(host, error) from error
    except StorageError:
        raise
    except FOREIGN_ERRORS as error:
        found = own_error(error, host=host, step="upload")
        if isinstance(found.__cause__, AddressRefusedError):
            raise StorageError(str(found.__cause__)) from error
        raise _unreachable(host, found) from error


def _unreachable(host: str, error: ConnectWiseError) -> StorageUnreachableError:
    message = _("The storage %(host)s did not answer: %(problem)s.")
    return StorageUnreachableError(message % {"host": host, "problem": error.problem})
