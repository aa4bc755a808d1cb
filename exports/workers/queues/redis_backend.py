"""Redis as a backend of django.tasks: what `execute_run.enqueue(…)` calls (rule Q1)."""

from typing import Any

from django_tasks_db.compat import (
    BaseTaskBackend,
    BaseTaskResult,
    Task,
    TaskResultStatus,
    task_enqueued,
)

from exports import clock
from exports.workers.queues.chosen import queue_engine
from exports.workers.queues.redis_engine import RedisEngine


class RedisBackend(BaseTaskBackend):
    """Takes jobs whose arguments are a run's id and an attempt; keeps no results."""

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> Any:
        """Raises QueueError."""
        self.validate_task(task)
        engine = queue_engine()
        assert isinstance(engine, RedisEngine)  # noqa: S101 - both come from one setting
        run_id, attempt = args
        result: Any = BaseTaskResult(
            task=task,
            id=engine.put(run_id, attempt),
            status=TaskResultStatus.READY,
            enqueued_at=clock.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        task_enqueued.send(type(self), task_result=result)
        return result
