"""Calls to the storage of run files: one client per thread, errors in words (rule C6)."""

import errno
import os
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.transport import Limits
from exports.connectwise.http.uploads import Uploader
from exports.storage.places import S3Place
from exports.storage.s3_client import S3AnswerError, S3Client, S3Login, S3RefusedError
from exports.storage.s3_errors import network_faults, refusal, strange_answer
from exports.storage.store import is_over

# A page waits for it, so a host that does not answer is given up soon; a transfer may take long.
_LIMITS: Final = Limits(connect=5, read=30, total=12 * 3600, max_body_bytes=4_000_000)
# The operator names this host, so it may be private; cloud metadata and the like never.
_POLICY: Final = AddressPolicy(tuple(map(ip_network, ("0.0.0.0/0", "::/0"))))
# What servers answer that know no conditional put.
_NO_CONDITIONS: Final = frozenset({"NotImplemented", "InvalidArgument", "InvalidRequest"})
_HAS_IT: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})

_own = threading.local()


class S3Calls:
    def __init__(self, place: S3Place) -> None:
        self._place = place
        self._host = urlsplit(place.endpoint).netloc
        login = S3Login(
            endpoint=place.endpoint,
            region=place.region,
            access_key=place.access_key,
            secret_key=place.secret_key,
            session_token=place.session_token,
        )
        uploader = Uploader(
            policy=_POLICY,
            stop=is_over,
            limits=_LIMITS,
            ca_file=settings.CWEXPORT_CA_FILE or None,
            route=settings.CWEXPORT_ROUTE,
        )
        self._client = S3Client(login, uploader, self._faults)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Raises StorageError, FileNotFoundError, and StoppedError."""
        try:
            return self._client.call(operation, Bucket=self._place.bucket, **params)
        except S3RefusedError as error:
            raise refusal(error, self._place, self._host) from error
        except S3AnswerError as error:
            raise strange_answer(error, self._host) from error

    def put_new(self, key: str, content: Any, **params: Any) -> None:
        """Put an object unless there is one. Raises FileExistsError."""
        put = {"Key": key, "Body": content, **params}
        try:
            self._client.call("put_object", Bucket=self._place.bucket, IfNoneMatch="*", **put)
        except S3RefusedError as error:
            if error.code in _HAS_IT or error.status == 412:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            if error.code not in _NO_CONDITIONS:
                raise refusal(error, self._place, self._host) from error
            # Names hold random digits, so nothing is replaced without the condition either.
            content.seek(0)
            self.call("put_object", **put)
        except S3AnswerError as error:
            raise strange_answer(error, self._host) from error

    def keys(self, start: str) -> Iterator[str]:
        """All keys with this beginning, but none in a folder below."""
        listed: dict[str, Any] = {"Prefix": start, "Delimiter": "/"}
        while True:
            found = self.call("list_objects_v2", **listed)
            for row in found.get("Contents", []):
                yield row["Key"]
            if not found.get("IsTruncated"):
                return
            listed["ContinuationToken"] = found["NextContinuationToken"]

    def body(self, found: dict[str, Any]) -> "_Body":
        return _Body(found["Body"], self._faults)

    def _faults(self) -> Any:
        return network_faults(self._host)


class _Body:
    """An answer's body, with our own errors."""

    def __init__(self, body: Any, faults: Any) -> None:
        # Below the library's own stream, whose errors say less.
        self._raw = body._raw_stream
        self._faults = faults

    def read(self, amount: int) -> bytes:
        with self._faults():
            content: bytes = self._raw.read(amount, decode_content=False)
            return content

    def close(self) -> None:
        if getattr(self._raw, "length_remaining", 1) == 0:
            self._raw.release_conn()
        else:
            self._raw.close()


def calls_of(place: S3Place) -> S3Calls:
    """This thread's client; a process that was forked has none of its parent's sockets."""
    key = (os.getpid(), place)
    clients: dict[tuple[int, S3Place], S3Calls] = _own.__dict__.setdefault("clients", {})
    if key not in clients:
        clients[key] = S3Calls(place)
    return clients[key]
