"""The queue in Redis, by RQ's queue and its unique jobs.

RQ's workers are not used: they fork for each job or execute one at a time, and keep in registries
who executes what. Ours execute several runs in one process, and all that stands in the Run row,
which survives Redis. So a job is over for Redis once it is taken: what a worker takes and loses,
recovery puts in again. Nothing is ever called by what stands in Redis: a job is two numbers, and
both stand in its id.
"""

import os
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from redis import Redis
from rq import Queue
from rq.exceptions import DequeueTimeout, DuplicateJobError
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from exports.connectwise.language import gettext as _
from exports.models import Installation
from exports.workers.queues.broker import Broker
from exports.workers.queues.engine import Job, Numbers, QueueError, QueueRefusedError
from exports.workers.queues.redis_client import Client

# What recovery puts in again in any case.
_KEPT: Final = timedelta(days=7)
# How long a database holds its queue without a sign of life from one of its workers.
_HELD: Final = timedelta(seconds=60)
_OLDEST: Final = (6, 2)
_FUNCTION: Final = "exports.workers.jobs.execute_run"


class RedisEngine:
    """The queue of one installation: its id is a part of every key."""

    is_transactional = False

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._client = Client(broker)
        self._known_name = self._known_database = ""
        # Why another database holds this queue, if so.
        self._foreign: QueueRefusedError | None = None

    def put(self, run_id: int, attempt: int) -> str:
        """Returns the id of the job; nothing happens when it waits already."""
        name = self._name()
        job_id = f"{name}-{run_id}-{attempt}"
        with self._calling() as redis:
            queue = _queue(redis, name)
            try:
                _enqueue(queue, job_id, run_id, attempt)
            except DuplicateJobError:
                if queue.get_job_position(job_id) is None:
                    # Taken, by a worker that died before it deleted the job.
                    redis.delete(RqJob.key_for(job_id))
                    with suppress(DuplicateJobError):
                        _enqueue(queue, job_id, run_id, attempt)
        return job_id

    def take(self, patience: float) -> Job | None:
        name = self._name()
        with self._calling() as redis:
            queue = _queue(redis, name)
            try:
                # RQ passes it on to BLPOP, which takes parts of a second too.
                timeout: Any = patience or None
                taken = Queue.lpop([queue.key], timeout, connection=redis)
            except DequeueTimeout:
                return None
            if taken is None:
                return None
            job_id = str(taken[1], "ascii", "replace")
            redis.delete(RqJob.key_for(job_id))
        numbers = _numbers(job_id)
        return None if numbers is None else Job(*numbers)

    def announce(self) -> None:
        """Whoever waits in `take` has it already."""

    def done(self, job: Job, error: BaseException | None = None) -> None:
        """It was over when it was taken."""

    def waiting(self) -> set[Numbers]:
        name = self._name()
        with self._calling() as redis:
            found = map(_numbers, _queue(redis, name).get_job_ids())
            return {numbers for numbers in found if numbers is not None}

    def clear(self) -> None:
        """Redis itself deletes what nobody took; it holds nothing else."""

    def forget_all(self) -> None:
        name = self._name()
        with self._client.calling() as redis:
            _queue(redis, name).delete(delete_jobs=True)
            redis.delete(_holder_key(name))
        self._foreign = None

    def see(self) -> None:
        """Hold the queue for this database; raises QueueRefusedError when another one holds it."""
        self._known_database = self._known_database or _database_identity()
        name, own = self._name(), self._known_database
        with self._client.calling() as redis:
            key = _holder_key(name)
            is_first = redis.set(key, own, nx=True, ex=_HELD)
            held: Any = own.encode() if is_first else redis.get(key)
            holder = str(held or b"", "utf-8", "replace")
            if holder == own:
                redis.expire(key, _HELD)
        self._foreign = None
        if holder not in ("", own):
            self._foreign = QueueRefusedError(_foreign_sentence(self._broker))
            raise self._foreign

    def problem(self, *, is_asked: bool = False) -> QueueError | None:
        if not is_asked and self._foreign is None and self._client.known_error is None:
            return None
        try:
            with self._calling() as redis:
                redis.ping()
        except QueueError as error:
            return error
        return None

    def problems(self) -> list[str]:
        try:
            with self._client.calling(at_once=True) as redis:
                version = str(redis.info("server")["redis_version"])
            self.see()
        except QueueError as error:
            return [str(error)]
        return [] if _is_young(version) else [_old_sentence(self._broker, version)]

    def _calling(self) -> Any:
        if self._foreign is not None:
            raise QueueRefusedError(str(self._foreign))
        return self._client.calling()

    def _name(self) -> str:
        """Read before Redis is asked, as it may take a query."""
        self._known_name = self._known_name or f"cwexport-{Installation.objects.own_id()}"
        return self._known_name


def _queue(redis: Redis, name: str) -> Queue:
    return Queue(name, connection=redis, serializer=JSONSerializer)


def _enqueue(queue: Queue, job_id: str, run_id: int, attempt: int) -> None:
    queue.enqueue_call(
        _FUNCTION,
        args=(run_id, attempt),
        job_id=job_id,
        ttl=int(_KEPT.total_seconds()),
        unique=True,
    )


def _numbers(job_id: str) -> Numbers | None:
    """None for what we did not put in."""
    found = re.fullmatch(r".*-([0-9]{1,18})-([0-9]{1,9})", job_id)
    return (int(found[1]), int(found[2])) if found else None


def _holder_key(name: str) -> str:
    return f"{name}:database"


def _database_identity() -> str:
    """What a copy of the database does not share with it, and all hosts that use it see alike."""
    used = settings.DATABASES["default"]
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        with suppress(OSError):
            return f"{path}:{os.stat(path).st_ino}"
        return str(path)
    # Asked of the server, as hosts may have different names for it.
    with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier, current_database() FROM pg_control_system()")
        return ":".join(map(str, cursor.fetchone()))
    return f"{used['HOST']}:{used['PORT']}/{used['NAME']}"


def _is_young(version: str) -> bool:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return tuple(numbers) >= _OLDEST


def _foreign_sentence(broker: Broker) -> str:
    return _(
        "Another database with the id of this installation, such as a copy of it, uses the queue "
        "at %(place)s. Give this installation another Redis database, e.g. "
        "redis://host:6379/1 in CWEXPORT_QUEUE. If the other one is gone, wait %(seconds)s seconds."
    ) % {"place": broker, "seconds": int(_HELD.total_seconds())}


def _old_sentence(broker: Broker, version: str) -> str:
    message = _("Redis at %(place)s has version %(version)s: install %(oldest)s or newer.")
    oldest = ".".join(map(str, _OLDEST))
    return message % {"place": broker, "version": version, "oldest": oldest}
