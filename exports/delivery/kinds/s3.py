"""S3-compatible storage: an atomic put, or parts for a large file; checksums agreed (D1, D4)."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError
from exports.delivery.hosts import read_url
from exports.delivery.kind import (
    Address,
    Checkpoint,
    DestinationKind,
    FieldError,
    Receipt,
    Session,
    Target,
    TestStep,
)
from exports.delivery.parcel import Parcel
from exports.delivery.s3_client import Refused, S3Client
from exports.kind_modules import FormField
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode
from exports.storage.s3_checksums import checksum_of, told_checksum

# Above it a file goes in parts, so that a cut connection costs one part and not all.
WHOLE_UP_TO = 1 << 30
PART_SIZE = 64 << 20
_TEST_CONTENT = b"cwexport test\n"
_XML = "application/xml"


class S3Kind(DestinationKind):
    code = "s3"
    label = gettext_lazy("S3-compatible storage")
    lead = gettext_lazy("A bucket at AWS, Azure gateways, MinIO, Ceph, Wasabi and the like.")
    fields = (
        FormField(
            "endpoint",
            gettext_lazy("Endpoint"),
            gettext_lazy(
                "For example https://s3.eu-central-1.amazonaws.com or https://minio.example.com."
            ),
            is_bound=True,
            required_sentence=gettext_lazy("Type the endpoint, beginning with https://."),
        ),
        FormField(
            "region",
            gettext_lazy("Region"),
            gettext_lazy("us-east-1 where the storage knows none."),
            initial="us-east-1",
        ),
        FormField(
            "bucket",
            gettext_lazy("Bucket"),
            is_bound=True,
            required_sentence=gettext_lazy("Type the bucket's name."),
        ),
        FormField(
            "prefix",
            gettext_lazy("Prefix"),
            gettext_lazy("Before each file's name, for example acme/in/. May be left blank."),
            is_required=False,
        ),
        FormField(
            "access_key",
            gettext_lazy("Access Key ID"),
            is_bound=True,
            required_sentence=gettext_lazy("Type the ID of the access key."),
        ),
        FormField(
            "secret_key",
            gettext_lazy("Secret Access Key"),
            is_secret=True,
            required_sentence=gettext_lazy("Type the secret access key."),
        ),
    )

    def where(self, address: Address) -> str:
        host = urlsplit(address["endpoint"]).netloc
        return f"s3://{host}/{address['bucket']}/{address.get('prefix', '')}"

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        prefix = values.get("prefix", "").lstrip("/")
        if "/" in values["bucket"] or not values["bucket"].isascii():
            raise FieldError("bucket", _("Type the bucket's name alone, without slashes."))
        return {
            **values,
            "endpoint": read_url("endpoint", values["endpoint"]).rstrip("/"),
            "prefix": f"{prefix.rstrip('/')}/" if prefix else "",
        }

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _S3Session(target, is_over)


class _S3Session(Session):
    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        self._address = target.address
        self._client = S3Client(target, is_over)
        self._bucket: str = target.address["bucket"]
        self._prefix: str = target.address.get("prefix", "")
        self._test_key = f"{self._prefix}.cwexport-test-{secrets.token_hex(4)}"
        self._has_test_file = False

    def steps(self) -> Sequence[TestStep]:
        return (
            TestStep(gettext_lazy("Address, login and bucket"), self._write_test),
            TestStep(gettext_lazy("Read the size of a test file back"), self._measure_test),
            TestStep(gettext_lazy("Remove the test file"), self._remove_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        """A file of the same name is replaced in one moment; older ones are held back before."""
        key = f"{self._prefix}{parcel.file_name}"
        if parcel.begun_upload:
            self._abort_begun(parcel, key)
        parcel.check_turn()
        if parcel.size > WHOLE_UP_TO:
            self._put_parts(parcel, key)
        else:
            self._put_whole(parcel, key)
        compared = self._compare(key, parcel.size, parcel.sha256)
        return Receipt(f"{KIND.where(self._address)}{parcel.file_name}", compared)

    def close(self) -> None:
        if self._has_test_file:
            with suppress(DeliveryError):
                self._client.call("delete_object", **self._object(self._test_key))
        self._client.close()

    def _put_whole(self, parcel: Parcel, key: str) -> None:
        with parcel.open() as source:
            self._client.call(
                "put_object",
                **self._object(key),
                Body=source,
                ContentLength=parcel.size,
                ContentType=_XML,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum_of(parcel.sha256),
            )

    def _put_parts(self, parcel: Parcel, key: str) -> None:
        """Nothing is seen there before the last call, which makes one file of the parts."""
        begun = self._client.call("create_multipart_upload", **self._object(key), ContentType=_XML)
        upload = {**self._object(key), "UploadId": begun["UploadId"]}
        with self._aborted_if_it_fails(upload), parcel.open() as source:
            # Before a part is there to be paid for: whoever goes on if this try is killed aborts
            # this upload, and none that another program began for the same key.
            parcel.note_upload(upload["UploadId"])
            parts: list[dict[str, Any]] = []
            while part := b"".join(_pieces(source.read, PART_SIZE)):
                number = len(parts) + 1
                answer = self._client.call(
                    "upload_part",
                    **upload,
                    PartNumber=number,
                    Body=part,
                    ContentLength=len(part),
                    ContentMD5=_md5_of(part),
                )
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            parcel.check_turn()
            self._client.call(
                "complete_multipart_upload", **upload, MultipartUpload={"Parts": parts}
            )

    @contextmanager
    def _aborted_if_it_fails(self, upload: dict[str, Any]) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(DeliveryError):
                self._client.abort(upload)
            raise

    def _abort_begun(self, parcel: Parcel, key: str) -> None:
        """Parts that a killed try left are seen in no listing of files, but paid for."""
        try:
            self._client.abort({**self._object(key), "UploadId": parcel.begun_upload})
        except Refused as error:
            message = _(
                "Parts of %(file)s that a try left behind could not be removed from %(place)s: "
                "%(reason)s Let the access key abort multipart uploads, or let a rule of the "
                "bucket's life cycle do so."
            )
            place = KIND.where(self._address)
            params = {"file": parcel.file_name, "place": place, "reason": str(error)}
            parcel.warn(message % params)

    def _write_test(self) -> str:
        self._has_test_file = True
        try:
            self._client.call("put_object", **self._object(self._test_key), Body=_TEST_CONTENT)
        except Refused:
            self._has_test_file = False
            raise
        message = _("%(bucket)s takes files of this key; %(file)s was written.")
        return message % {"bucket": self._bucket, "file": self._test_key}

    def _measure_test(self) -> str:
        self._compare(self._test_key, len(_TEST_CONTENT), "")
        return _("It has the size that was written.")

    def _remove_test(self) -> str:
        self._client.call("delete_object", **self._object(self._test_key))
        self._has_test_file = False
        return _("It was removed.")

    def _compare(self, key: str, size: int, sha256: str) -> str:
        found = self._client.call("head_object", **self._object(key), ChecksumMode="ENABLED")
        if found["ContentLength"] != size:
            message = _("The server says %(found)s bytes, %(size)s were sent.")
            params = {"found": found["ContentLength"], "size": size}
            raise DeliveryError(DeliveryErrorCode.NOT_AS_SENT, message % params)
        told = told_checksum(found)
        if told is None or not sha256:
            return Delivery.Compared.SIZE
        if told != checksum_of(sha256):
            message = _("The server tells another SHA-256 than the file has.")
            raise DeliveryError(DeliveryErrorCode.NOT_AS_SENT, message)
        return Delivery.Compared.HASH

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": key}


def _md5_of(part: bytes) -> str:
    """The one checksum of a part that every storage compares."""
    return base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()


def _pieces(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    left = size
    while left and (chunk := read(left)):
        left -= len(chunk)
        yield chunk


KIND = S3Kind()
