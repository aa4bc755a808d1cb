"""The client of S3-compatible storage, with the words of a delivery."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.delivery.errors import DeliveryError
from exports.delivery.kind import Target
from exports.delivery.network_faults import make_uploader, network_faults
from exports.models.codes import DeliveryErrorCode
from exports.storage import s3_client

_LOGIN = gettext_noop("%(host)s refused the access key (%(code)s): check its ID and secret.")
_REFUSALS: dict[str, tuple[str, str]] = {
    "InvalidAccessKeyId": (DeliveryErrorCode.LOGIN_REFUSED, _LOGIN),
    "SignatureDoesNotMatch": (DeliveryErrorCode.LOGIN_REFUSED, _LOGIN),
    "AccessDenied": (
        DeliveryErrorCode.NOT_PERMITTED,
        gettext_noop("The access key may not write there (%(code)s)."),
    ),
    "NoSuchBucket": (
        DeliveryErrorCode.FOLDER_MISSING,
        gettext_noop("%(host)s has no such bucket: create it, or correct its name."),
    ),
    "QuotaExceeded": (DeliveryErrorCode.DISK_FULL, gettext_noop("%(host)s has no room left.")),
    "XMinioStorageFull": (DeliveryErrorCode.DISK_FULL, gettext_noop("%(host)s has no room left.")),
    "BadDigest": (
        DeliveryErrorCode.NOT_AS_SENT,
        gettext_noop("%(host)s received something else than was sent (%(code)s)."),
    ),
    "XAmzContentChecksumMismatch": (
        DeliveryErrorCode.NOT_AS_SENT,
        gettext_noop("%(host)s received something else than was sent (%(code)s)."),
    ),
}


class Refused(DeliveryError):
    """The storage answered, and refused by its own code `answered`."""

    def __init__(self, code: str, sentence: str, answered: str) -> None:
        super().__init__(code, sentence)
        self.answered = answered


class S3Client:
    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        address = target.address
        self._host = host = urlsplit(address["endpoint"]).netloc
        login = s3_client.S3Login(
            endpoint=address["endpoint"],
            region=address.get("region") or "us-east-1",
            access_key=address["access_key"],
            secret_key=target.secrets.get("secret_key", ""),
        )
        uploader = make_uploader(is_over)
        self._client = s3_client.S3Client(login, uploader, lambda: network_faults(host))

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Raises DeliveryError, and Refused for an answer that is none."""
        try:
            return self._client.call(operation, **params)
        except s3_client.S3RefusedError as error:
            raise self._refusal(error) from error
        except s3_client.S3AnswerError as error:
            message = _("%(host)s sent what no storage sends (%(reason)s).")
            details = {"host": self._host, "reason": str(error)}
            raise DeliveryError(DeliveryErrorCode.UNREACHABLE, message % details) from error

    def abort(self, upload: dict[str, Any]) -> None:
        """End an upload in parts that is not whole yet, unless there is none any more."""
        try:
            self.call("abort_multipart_upload", **upload)
        except Refused as error:
            if error.answered != "NoSuchUpload":
                raise

    def close(self) -> None:
        self._client.close()

    def _refusal(self, error: s3_client.S3RefusedError) -> Refused:
        params = {"host": self._host, "code": error.code, "status": error.status}
        if error.code in _REFUSALS:
            ours, sentence = _REFUSALS[error.code]
            return Refused(ours, _(sentence) % params, error.code)
        if error.status in (401, 403):
            return Refused(DeliveryErrorCode.LOGIN_REFUSED, _(_LOGIN) % params, error.code)
        message = _("%(host)s refused the file: %(code)s (%(status)s).")
        return Refused(DeliveryErrorCode.REJECTED, message % params, error.code)
