"""CWEXPORT_QUEUE as people write it, and servers that are not as it says (rule Q1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.logs.scrubbing import scrub
from exports.workers.queues import chosen
from exports.workers.queues.broker import Broker, parse_queue
from exports.workers.start_checks import StartError, check_queue
from tests.workers.queues.fixtures import use_queue
from tests.workers.queues.redis_server import RedisServer

PASSWORD = "Pa55-of the/queue@night"
QUOTED = "Pa55-of%20the%2Fqueue%40night"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("database", None),
        ("Database", None),
        ("redis://queue.lan", Broker("queue.lan")),
        ("redis://queue.lan:6380/3", Broker("queue.lan", 6380, 3)),
        ("rediss://queue.lan/", Broker("queue.lan", has_tls=True)),
        ("redis://[::1]:6379/0", Broker("::1")),
        (f"redis://:{QUOTED}@queue.lan", Broker("queue.lan", password=PASSWORD)),
        (f"redis://me:{QUOTED}@queue.lan", Broker("queue.lan", user="me", password=PASSWORD)),
    ],
)
def test_queue_is_read(text: str, expected: Broker | None) -> None:
    assert parse_queue(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "redis",
        "queue.lan:6379",
        "amqp://queue.lan",
        "redis://",
        "redis://:secret@/0",
        "redis://queue.lan:port/0",
        "redis://queue.lan:99999/0",
        "redis://queue.lan/first",
        "redis://queue.lan/0?password=secret",
        "redis://:sec/ret@queue.lan/0",
    ],
)
def test_unreadable_queue_is_refused_unquoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a queue$"):
        parse_queue(text)


def test_password_is_not_shown() -> None:
    broker = parse_queue(f"redis://me:{QUOTED}@queue.lan")

    assert str(broker) == "redis://queue.lan:6379/0"
    assert "Pa55" not in repr(broker)


@pytest.fixture
def locked_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that asks for a password."""
    server = RedisServer(tmp_path, password="the-right-one-a7Kf0")
    server.start()
    yield server
    chosen.forget_engines()
    server.kill()


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("Q1")
def test_wrong_password_is_refused_at_the_start(
    locked_server: RedisServer, settings: Settings
) -> None:
    address = f"127.0.0.1:{locked_server.port}/0"
    for login in ("", "a-wrong-one-Qz9Lm", "nobody:a-wrong-one-Qz9Lm"):
        password = f":{login}" if login and ":" not in login else login
        use_queue(settings, f"redis://{password}@{address}" if login else f"redis://{address}")
        with pytest.raises(StartError, match="refuses the user or the password") as refusal:
            check_queue()
        assert f"redis://{address}" in str(refusal.value)
        assert "Qz9Lm" not in str(refusal.value)
        assert chosen.queue_problems() == [str(refusal.value)]
    use_queue(settings, locked_server.url)
    assert check_queue() == []


@pytest.mark.django_db(transaction=True)
def test_missing_server_is_waited_for(settings: Settings, tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    use_queue(settings, server.url)
    [sentence] = check_queue()

    assert "Connection refused" in sentence
    assert sentence.endswith("Runs wait and start once it is there.")


def test_an_address_with_a_password_is_scrubbed() -> None:
    assert "Pa55" not in scrub(f"CWEXPORT_QUEUE=redis://me:{QUOTED}@queue.lan/0")
