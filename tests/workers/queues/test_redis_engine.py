"""What the queue on Redis carries, and what it makes of what others left there (rules Q1, Q2)."""

import pytest
from rq.job import Job as RqJob

from exports.models import Installation, Run, Task
from exports.workers import jobs
from exports.workers.queues import chosen
from exports.workers.queues.engine import Job, QueueRefusedError
from exports.workers.queues.redis_engine import RedisEngine
from tests.workers.processes import fresh, queue, work_off_queue
from tests.workers.queues.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("Q1")
def test_run_is_carried_to_a_worker(engine: RedisEngine, task: Task) -> None:
    run = queue(task)
    assert engine.waiting() == {(run.pk, 1)}
    work_off_queue()

    assert fresh(run).status == Run.Status.SUCCEEDED
    assert engine.waiting() == set()


def test_a_job_waits_only_once(engine: RedisEngine) -> None:
    engine.put(7, 1)
    engine.put(7, 1)
    engine.put(7, 2)

    assert [engine.take(0), engine.take(0), engine.take(0)] == [Job(7, 1), Job(7, 2), None]


def test_job_of_dead_taker_is_put_in_again(engine: RedisEngine, broker: RedisServer) -> None:
    job_id = engine.put(7, 1)
    # The worker died after it took the job from the list, before it deleted the job.
    name = job_id.rsplit("-", 2)[0]
    assert broker.client.lpop(f"rq:queue:{name}") == job_id.encode()
    assert engine.waiting() == set()
    engine.put(7, 1)

    assert engine.take(0) == Job(7, 1)


def test_nothing_is_left_of_taken_job(engine: RedisEngine, broker: RedisServer) -> None:
    job_id = engine.put(7, 1)
    assert broker.client.exists(RqJob.key_for(job_id))
    assert engine.take(0.5) == Job(7, 1)

    assert not broker.client.exists(RqJob.key_for(job_id))
    assert engine.take(0.1) is None


def test_foreign_entries_are_left_aside(engine: RedisEngine, broker: RedisServer) -> None:
    job_id = engine.put(7, 1)
    key = f"rq:queue:{job_id.rsplit('-', 2)[0]}"
    broker.client.lpush(key, "os.system", b"\xff\xfe", "a-b-c")

    assert [engine.take(0) for _ in range(4)] == [None, None, None, Job(7, 1)]


def test_installations_share_a_redis_database(engine: RedisEngine, broker: RedisServer) -> None:
    engine.put(7, 1)
    Installation.objects.update(folder_id="0" * 32)
    chosen.forget_engines()
    other = chosen.queue_engine()

    assert other.waiting() == set()
    assert other.take(0) is None
    assert engine.take(0) == Job(7, 1)


@pytest.mark.rule("Q1")
def test_copied_database_is_kept_from_the_queue(engine: RedisEngine, broker: RedisServer) -> None:
    engine.put(7, 1)
    [key] = holders(engine, broker)
    broker.client.set(key, "another database")

    with pytest.raises(QueueRefusedError, match=r"Give this installation another Redis database"):
        engine.see()
    with pytest.raises(QueueRefusedError, match="such as a copy"):
        engine.take(0)
    [sentence] = engine.problems()
    assert "redis://host:6379/1" in sentence
    broker.client.delete(key)
    engine.see()
    assert engine.take(0) == Job(7, 1)


def holders(engine: RedisEngine, broker: RedisServer) -> list[bytes]:
    engine.see()
    found = broker.client.keys("*:database")
    # It goes by itself when the last worker has gone.
    assert [0 < broker.client.ttl(key) <= 60 for key in found] == [True]
    return list(found)


def test_restore_forgets_all_jobs(engine: RedisEngine, broker: RedisServer) -> None:
    engine.put(7, 1)
    engine.see()
    engine.forget_all()

    assert engine.waiting() == set()
    assert broker.client.keys("*:database") == []
    assert broker.client.keys("rq:job:*") == []


def test_second_worker_shares_the_queue(engine: RedisEngine) -> None:
    engine.see()
    chosen.forget_engines()

    assert chosen.queue_engine() is not engine
    chosen.queue_engine().see()
    assert chosen.queue_problems() == []


@pytest.mark.rule("Q2")
def test_emptied_redis_is_filled_again(
    engine: RedisEngine, broker: RedisServer, task: Task
) -> None:
    run = queue(task)
    broker.forget()
    jobs.enqueue_lost(Run.objects.queued())

    assert engine.waiting() == {(run.pk, 1)}
