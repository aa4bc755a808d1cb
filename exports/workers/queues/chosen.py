"""The engine that CWEXPORT_QUEUE names; one for each process."""

from functools import cache

from django.conf import settings

from exports.workers.queues.broker import Broker
from exports.workers.queues.database_engine import DatabaseEngine
from exports.workers.queues.engine import Engine


def queue_engine() -> Engine:
    return _engine(settings.CWEXPORT_QUEUE)


def queue_problems() -> list[str]:
    """A sentence for each thing that is wrong with the queue and what to do; for operators."""
    return queue_engine().problems()


def forget_engines() -> None:
    """Begin anew: connections, what is known of errors, and the installation's id."""
    _engine.cache_clear()


@cache
def _engine(broker: Broker | None) -> Engine:
    if broker is None:
        return DatabaseEngine()
    # Only then, as Redis and RQ cost every process time and memory.
    from exports.workers.queues.redis_engine import RedisEngine

    return RedisEngine(broker)
