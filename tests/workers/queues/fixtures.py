"""The queue on a real Redis; one server for all tests of a process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from exports.workers.queues import chosen
from exports.workers.queues.broker import parse_queue

if TYPE_CHECKING:
    # Imported when they are needed: most tests know no Redis.
    from exports.workers.queues.redis_engine import RedisEngine
    from tests.workers.queues.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["RedisServer"]:
    from tests.workers.queues.redis_server import RedisServer

    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def broker(redis_server: "RedisServer", settings: Settings) -> Iterator["RedisServer"]:
    """The server as the queue of this test: empty, running, and known to nobody before."""
    if not redis_server.is_running():
        redis_server.start()
    redis_server.resume()
    redis_server.forget()
    use_queue(settings, redis_server.url)
    yield redis_server
    chosen.forget_engines()


@pytest.fixture
def engine(broker: "RedisServer", db: None) -> "RedisEngine":
    from exports.workers.queues.redis_engine import RedisEngine

    chosen_engine = chosen.queue_engine()
    assert isinstance(chosen_engine, RedisEngine)
    return chosen_engine


def use_queue(settings: Settings, url: str) -> None:
    chosen.forget_engines()
    settings.CWEXPORT_QUEUE = parse_queue(url)
    settings.TASKS = {"default": {"BACKEND": "exports.workers.queues.redis_backend.RedisBackend"}}
