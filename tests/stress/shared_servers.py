"""What hosts share: a queue, a storage of files, and the links to them; each of them may fail."""

import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from random import Random

from django.conf import settings
from django.test import override_settings

from exports.storage import files
from exports.workers.queues import chosen
from exports.workers.queues.broker import parse_queue
from tests.stores import BUCKET, KEYS, S3Server, running_server
from tests.stress.network import NETWORKS, HostNetwork, NetworkRefusedError, Side
from tests.stress.sample_installation import database_url
from tests.workers.queues.redis_server import RedisServer

REDIS, S3, NAMESPACE = PARTS = ("redis", "s3", "namespace")
_LOOPBACK = "127.0.0.1"
# Seconds for which a server is away at most.
_LONGEST = 40.0


class SharedServers:
    """Servers of their own, on which this process too has its queue and its files until `close`.

    `without`: those of PARTS to do without; then the database is the queue, or each host keeps its
    files, or is not cut off. `longest`: seconds for which a server is away.
    """

    def __init__(
        self, folder: Path, *, without: Collection[str] = (), longest: float = _LONGEST
    ) -> None:
        self._stack = ExitStack()
        self.network: HostNetwork | None = None
        # Why there is no namespace.
        self.refusal = "not asked for" if NAMESPACE in without else ""
        self.redis: RedisServer | None = None
        self.s3: S3Server | None = None
        self._longest = longest
        self._back_at: float | None = None
        self._whole_since = time.monotonic()
        self._come_back: Callable[[], None] = lambda: None
        try:
            if NAMESPACE not in without:
                self._make_network()
            if REDIS not in without:
                self._start_redis(folder)
            if S3 not in without:
                self._start_s3()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stack.close()

    @property
    def name(self) -> str:
        """What takes part, in words."""
        parts = {"Redis": self.redis, "S3": self.s3, "a namespace": self.network}
        return ", ".join(["PostgreSQL", *(name for name, part in parts.items() if part)])

    def address(self, side: Side) -> str:
        return self.network.address(side) if self.network else _LOOPBACK

    def settings(self, *, is_cut_off: bool = False) -> dict[str, str]:
        """For the workers of a host; `is_cut_off`: of the one that reaches all by the links."""
        values = {"CWEXPORT_ALLOWED_NETWORKS": f"127.0.0.0/8,{NETWORKS}"}
        if self.redis:
            values["CWEXPORT_QUEUE"] = self.redis.url
        if self.s3:
            values |= {"CWEXPORT_FILES": self.s3.setting(), **KEYS}
        if is_cut_off and self.network:
            values["DATABASE_URL"] = self._forwarded_database()
        return values

    def strikes(self) -> dict[str, Callable[[Random], None]]:
        """By name, what can happen to the servers; each mends itself in `look`."""
        found: dict[str, Callable[[Random], None]] = {}
        if self.redis:
            found["Redis emptied"] = lambda random: self.redis.forget()
            found["Redis killed"] = lambda random: self._kill_redis(random)
            found["Redis paused"] = lambda random: self._pause_redis(random)
        if self.s3:
            found["S3 paused"] = lambda random: self._pause_s3(random)
        return found

    @property
    def is_whole(self) -> bool:
        return self._back_at is None

    @property
    def may_be_struck(self) -> bool:
        """Whether all were there for long enough; else hardly a run would get through."""
        return self.is_whole and time.monotonic() - self._whole_since > self._longest

    def look(self, *, is_over: bool = False) -> None:
        """Bring back what was away for long enough."""
        if self._back_at is not None and (is_over or time.monotonic() > self._back_at):
            self._come_back()
            self._back_at = None
            self._whole_since = time.monotonic()

    def fetch_files(self) -> None:
        """Put the files of the storage where they would be without one."""
        if not self.s3:
            return
        for folder in ("runs", "orphaned"):
            for name in files.store().names(folder):
                target = Path(settings.CWEXPORT_DATA_DIR) / folder / name
                with files.store().open(f"{folder}/{name}") as stored:
                    target.write_bytes(stored.read())

    def _make_network(self) -> None:
        try:
            self.network = HostNetwork()
        except NetworkRefusedError as error:
            self.refusal = str(error)
        else:
            self._stack.callback(self.network.close)

    def _forwarded_database(self) -> str:
        assert self.network is not None
        url = database_url()
        scheme, _at, place = url.rpartition("@")
        server, _slash, name = place.partition("/")
        host, _colon, port = server.partition(":")
        address = self.network.address(Side.DATABASE)
        forwarded = self.network.forward(Side.DATABASE, host or _LOOPBACK, int(port or 5432))
        return f"{scheme}@{address}:{forwarded}/{name}"

    def _start_redis(self, folder: Path) -> None:
        place = folder / "redis"
        place.mkdir()
        # Beyond loopback it listens only with a password.
        redis = RedisServer(place, password="of-the-stress", address=self.address(Side.DATABASE))
        redis.start()
        self._stack.callback(redis.kill)
        self.redis = redis
        backend = {"default": {"BACKEND": "exports.workers.queues.redis_backend.RedisBackend"}}
        queue = override_settings(CWEXPORT_QUEUE=parse_queue(redis.url), TASKS=backend)
        self._stack.callback(chosen.forget_engines)
        self._stack.enter_context(queue)
        chosen.forget_engines()

    def _start_s3(self) -> None:
        self.s3 = self._stack.enter_context(running_server(self.address(Side.INTERNET)))
        self.s3.client.create_bucket(Bucket=BUCKET)
        place = self.s3.place()
        self._stack.enter_context(override_settings(CWEXPORT_FILES=place))
        # Whatever happens, it is let go on, so that it can end.
        self._stack.callback(self._signal_s3, signal.SIGCONT)

    def _kill_redis(self, random: Random) -> None:
        assert self.redis is not None
        self.redis.kill()
        self._leave(random, self.redis.start)

    def _pause_redis(self, random: Random) -> None:
        assert self.redis is not None
        self.redis.pause()
        self._leave(random, self.redis.resume)

    def _pause_s3(self, random: Random) -> None:
        self._signal_s3(signal.SIGSTOP)
        self._leave(random, lambda: self._signal_s3(signal.SIGCONT))

    def _signal_s3(self, number: signal.Signals) -> None:
        assert self.s3 is not None
        os.kill(self.s3.process.pid, number)

    def _leave(self, random: Random, come_back: Callable[[], None]) -> None:
        self._back_at = time.monotonic() + random.uniform(self._longest / 8, self._longest)
        self._come_back = come_back
