"""A worker's signs of life: its row says that it lives, and what people should know of it."""

import os
import time

from exports.models import Worker
from exports.models.hosts import clock_ahead
from exports.models.workers import SEEN_EVERY
from exports.workers.duty_threads import Shares
from exports.workers.queues.engine import Engine, QueueError

_MEASURE_CLOCK_EVERY = 60.0


class SignsOfLife:
    """Renews the row of this worker, and learns from the others' how many share its duties."""

    def __init__(self, name: str, queue: Engine, shares: Shares) -> None:
        self._name, self._queue, self._shares = name, queue, shares
        self._seen_at = self._measured_at = float("-inf")
        self._clock_ahead = 0.0

    def give_when_due(self) -> None:
        """Called all the time; two short queries every five seconds."""
        now = time.monotonic()
        if now - self._seen_at < SEEN_EVERY.total_seconds():
            return
        # First, so that a database that is away is not asked all the time.
        self._seen_at = now
        if now - self._measured_at >= _MEASURE_CLOCK_EVERY:
            self._clock_ahead, self._measured_at = clock_ahead(), now
        Worker.objects.see(
            self._name,
            os.getpid(),
            clock_ahead=self._clock_ahead,
            queue_error=self._queue_error(),
        )
        self._shares.update(*Worker.objects.shares_of(self._name))

    def end(self) -> None:
        Worker.objects.filter(name=self._name).delete()

    def _queue_error(self) -> str:
        try:
            self._queue.see()
        except QueueError as error:
            return str(error)
        return ""
