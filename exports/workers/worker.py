"""The worker process: executes runs, gives signs of life, and does its share of the duties."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from types import FrameType

from django.db import close_old_connections

from exports.acting import Actor, set_process_actor
from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.pipeline import runner
from exports.pipeline.lease import shutdown
from exports.workers.duties import Duties
from exports.workers.duty_threads import Shares
from exports.workers.jobs import execute_run
from exports.workers.queues.chosen import queue_engine
from exports.workers.queues.engine import Job
from exports.workers.run_threads import RunThreads
from exports.workers.signs_of_life import SignsOfLife
from exports.workers.stop_signals import on_stop_signals
from exports.workers.tuning import keep_connections, tune_process

logger = logging.getLogger(__name__)

LOOK_FOR_WORK_EVERY = 0.5  # seconds
PAUSE_AFTER_FAULT = 2.0


class ExportWorker:
    """Takes jobs from the queue's engine, with heartbeats and a shutdown that requeues its run."""

    def __init__(self) -> None:
        self.running = True
        self._queue = queue_engine()
        shares = Shares()
        name = f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._signs_of_life = SignsOfLife(name, self._queue, shares)
        self._duties = Duties(shares)
        self._runs = RunThreads()

    def run(self) -> None:
        """Work until a signal ends it."""
        self._duties.start()
        try:
            while self.running:
                self._see()
                if job := self._take():
                    self._execute(job)
        finally:
            self._runs.join()
            self._duties.stop()
            with isolated(_("the row of this worker")):
                self._signs_of_life.end()

    def _see(self) -> None:
        with isolated(_("signs of life")):
            close_old_connections()
            self._signs_of_life.give_when_due()

    def _take(self) -> Job | None:
        with isolated(_("the queue")):
            close_old_connections()
            return self._queue.take(LOOK_FOR_WORK_EVERY)
        time.sleep(PAUSE_AFTER_FAULT)
        return None

    def _execute(self, job: Job) -> None:
        """Execute the job; returns when it has ended, or earlier while its host is silent."""

        def execute_and_deliver() -> None:
            error: Exception | None = None
            try:
                execute_run.call(job.run_id, job.attempt)
            except Exception as raised:
                error = raised
                raise
            finally:
                self._queue.done(job, error)
                self._duties.run_ended()

        self._runs.start(job.run_id, execute_and_deliver)
        while self.running and not self._runs.has_room():
            self._see()
            self._runs.ended.wait(LOOK_FOR_WORK_EVERY)

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Requeue the current run and end; takes seconds, so a second signal changes nothing."""
        # An exception here could come within a transaction, or between taking a job and executing
        # it. So only set a flag.
        shutdown.set()
        self.running = False


def work(on_ready: Callable[[], object] = lambda: None) -> None:
    """Run a worker in this process until a signal asks for its end.

    `on_ready` is called once the signal handlers are set.
    """
    set_process_actor(Actor.of_worker())
    worker = ExportWorker()
    runner.prepare()
    tune_process()
    keep_connections()
    on_stop_signals(worker.shutdown)
    on_ready()
    worker.run()
