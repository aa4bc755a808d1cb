"""Calls to Redis: each with a deadline, inside the fence, and with errors for people."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry

from exports.connectwise.http import outgoing
from exports.connectwise.language import gettext as _
from exports.workers.queues.broker import Broker
from exports.workers.queues.engine import QueueError, QueueRefusedError

CONNECT_WITHIN: Final = 1.0  # seconds
ANSWER_WITHIN: Final = 2.0
# After an error nobody in this process asks again for so long: a page, or a tick that queues five
# hundred runs, waits once and not five hundred times.
QUIET_FOR: Final = 2.0


class _FencedConnection(redis.Connection):
    def _connect(self) -> Any:
        with outgoing.allow(self.host, self.port, "the queue", policy=None):
            return super()._connect()  # type: ignore[no-untyped-call]


class _FencedTlsConnection(redis.SSLConnection):
    def _connect(self) -> Any:
        with outgoing.allow(self.host, self.port, "the queue", policy=None):
            return super()._connect()  # type: ignore[no-untyped-call]


class Client:
    """One Redis server, for all threads of this process."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._redis = redis.Redis(connection_pool=_pool(broker))
        self._failed: QueueError | None = None
        self._failed_at = 0.0

    @property
    def known_error(self) -> QueueError | None:
        """The last call failed with it; None when it went well."""
        return self._failed

    @contextmanager
    def calling(self, *, at_once: bool = False) -> Iterator[redis.Redis]:
        """Raises QueueError; just after an error the same again, unless `at_once`."""
        failed, now = self._failed, time.monotonic()
        if failed and not at_once and now - self._failed_at < QUIET_FOR:
            raise type(failed)(str(failed))
        # Meanwhile other threads need not try too.
        self._failed_at = now
        try:
            yield self._redis
        except (RedisError, OSError) as error:
            self._failed, self._failed_at = self._told(error), time.monotonic()
            raise self._failed from None
        self._failed = None

    def _told(self, error: Exception) -> QueueError:
        if isinstance(error, QueueError):
            return error
        place = {"place": self._broker}
        if isinstance(error, AuthenticationError | NoPermissionError) or "NOAUTH" in str(error):
            return QueueRefusedError(
                _(
                    "Redis at %(place)s refuses the user or the password of CWEXPORT_QUEUE: write "
                    "redis://user:password@host:port/0 as the server has them."
                )
                % place
            )
        if isinstance(error, redis.TimeoutError | TimeoutError):
            return QueueError(_("Redis at %(place)s does not answer.") % place)
        message = _("Redis at %(place)s cannot be used: %(reason)s")
        return QueueError(message % {**place, "reason": self._without_password(str(error))})

    def _without_password(self, text: str) -> str:
        password = self._broker.password
        return text.replace(password, "…") if password else text


def _pool(broker: Broker) -> redis.ConnectionPool:
    tls: dict[str, Any] = {}
    if broker.has_tls:
        tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        tls["ssl_ca_certs"] = settings.CWEXPORT_CA_FILE or None
    return redis.ConnectionPool(
        connection_class=_FencedTlsConnection if broker.has_tls else _FencedConnection,
        host=broker.host,
        port=broker.port,
        db=broker.database,
        username=broker.user or None,
        password=broker.password or None,
        socket_connect_timeout=CONNECT_WITHIN,
        socket_timeout=ANSWER_WITHIN,
        # Once, as the server may have closed the connection since the last call.
        retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        retry_on_error=[],
        client_name="cwexport",
        protocol=2,
        **tls,
    )
