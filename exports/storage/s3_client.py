"""boto3's S3 client, whose requests leave by our own transport (rule C6).

boto3 signs and reads answers; addresses, deadlines, stops and the proxy are ours.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from exports.connectwise.http.remote_text import clean_text
from exports.connectwise.http.uploads import Uploader

# Turns what the transport raises about the network into the caller's own errors.
Faults = Callable[[], AbstractContextManager[None]]
# Clients cannot be made by two threads at once.
_making = Lock()


class S3RefusedError(Exception):
    """The storage answered, and refused, by a code of its own and a status."""

    def __init__(self, code: str, status: int | None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class S3AnswerError(Exception):
    """It answered what no storage answers; `str()` names the library's error."""


@dataclass(frozen=True)
class S3Login:
    """Which storage, and the key that opens it."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


class S3Client:
    """For one thread, as its transport is."""

    def __init__(self, login: S3Login, uploader: Uploader, faults: Faults) -> None:
        self._uploader = uploader
        self._faults = faults
        # Everything that the environment or files of this machine could say is said here.
        with _making:
            self._client = _session().client(
                "s3",
                endpoint_url=login.endpoint,
                region_name=login.region,
                aws_access_key_id=login.access_key,
                aws_secret_access_key=login.secret_key,
                aws_session_token=login.session_token or None,
                config=_config(),
            )
        self._client.meta.events.register("before-send.s3", self._send)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Raises S3RefusedError, S3AnswerError, and what `faults` raises."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**params)
        except ClientError as error:
            found = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = clean_text(str(found.get("Code", "")), 60)
            raise S3RefusedError(code, status) from error
        except BotoCoreError as error:
            raise S3AnswerError(type(error).__name__) from error
        return answer

    def close(self) -> None:
        self._uploader.close()
        self._client.close()

    def _send(self, request: Any, **_kwargs: Any) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        # The library below counts the body itself.
        headers.pop("Content-Length", None)
        with self._faults():
            if request.stream_output:
                status, found, raw = self._uploader.open(request.method, request.url, headers)
                return AWSResponse(request.url, status, found, raw)
            answer = self._uploader.send(request.method, request.url, headers, request.body or None)
        return AWSResponse(request.url, answer.status, answer.headers, _Body(answer.body))


@lru_cache(maxsize=1)
def _session() -> boto3.session.Session:
    """One per process: each reads descriptions of 12 MB, which takes a second."""
    return boto3.session.Session()


class _Body:
    """What the library expects of an answer's body."""

    def __init__(self, content: bytes) -> None:
        self._stream = BytesIO(content)

    def stream(self, *_args: Any, **_kwargs: Any) -> Iterator[bytes]:
        yield self._stream.read()

    def read(self, *args: Any) -> bytes:
        return self._stream.read(*args)


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _config() -> Config:
    return Config(
        # The callers try again by their own rules.
        retries={"total_max_attempts": 1},
        # A file's own checksum is a signed header, so it is not read once more to be signed.
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        signature_version="s3v4",
        proxies={},
    )
