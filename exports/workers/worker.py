"""The worker process: executes runs, ticks, delivers files, sends messages, recovers."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from types import FrameType

from django.db import close_old_connections, connection

from exports import clock
from exports.acting import Actor, set_process_actor
from exports.connectwise.language import gettext as _
from exports.delivery.senders import Senders
from exports.housekeeping import rounds
from exports.housekeeping.identifiers import IdentifierFill
from exports.housekeeping.isolation import isolated
from exports.models import Worker
from exports.models.hosts import clock_ahead
from exports.models.workers import SEEN_EVERY
from exports.notifications.certificates import watch_certificates
from exports.notifications.sending import send_messages
from exports.notifications.system_events import watch_disk
from exports.pipeline import runner
from exports.pipeline.lease import shutdown
from exports.schedules.alarms import watch
from exports.schedules.ticking import tick
from exports.workers import recovery
from exports.workers.jobs import enqueue_unblocked, execute_run, queue_scheduled
from exports.workers.queues.chosen import queue_engine
from exports.workers.queues.engine import Job, QueueError
from exports.workers.run_threads import RunThreads
from exports.workers.stop_signals import on_stop_signals
from exports.workers.tuning import tune_process
from exports.workers.workflow_jobs import advance_workflows

logger = logging.getLogger(__name__)

LOOK_FOR_WORK_EVERY = 0.5  # seconds
RECOVER_EVERY = 10.0
DELIVER_EVERY = 5.0
TIDY_EVERY = 60.0
ADVANCE_EVERY = 3.0
TICK_EVERY = 2.0
WATCH_EVERY = 15.0
SEND_MESSAGES_EVERY = 5.0
LOOK_AT_DISK_EVERY = 60.0
LOOK_AT_CERTIFICATES_EVERY = 600.0
PAUSE_AFTER_FAULT = 2.0


class ExportWorker:
    """Takes jobs from the queue's engine, with heartbeats and a shutdown that requeues its run."""

    def __init__(self) -> None:
        self.running = True
        self._queue = queue_engine()
        self._name = f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._over = threading.Event()
        self._runs = RunThreads()
        self._senders = Senders(self._over.is_set)
        self._has_recovered = False
        self._clock_ahead = 0.0
        self._identifiers = IdentifierFill()
        # Set when a run has ended: its file may need delivery, or a workflow goes on.
        self._run_ended = threading.Event()
        self._step_ended = threading.Event()

    def run(self) -> None:
        """Work until a signal ends it."""
        # One thread each: if one hangs, heartbeats and runs still go on.
        threads = [
            self._start(_("signs of life"), SEEN_EVERY.total_seconds(), self._see, self._over),
            self._start(_("recovery"), RECOVER_EVERY, self._recover, self._over),
            self._start(
                _("schedules"),
                TICK_EVERY,
                lambda: tick(clock.now(), queue_scheduled),
                self._over,
            ),
            self._start(_("alarms"), WATCH_EVERY, lambda: watch(clock.now()), self._over),
            self._start(_("housekeeping"), TIDY_EVERY, self._tidy, self._over),
            self._start(_("deliveries"), DELIVER_EVERY, self._deliver, self._run_ended),
            self._start(_("workflows"), ADVANCE_EVERY, advance_workflows, self._step_ended),
            self._start(
                _("certificates"), LOOK_AT_CERTIFICATES_EVERY, self._watch_certificates, self._over
            ),
            self._start(_("disk space"), LOOK_AT_DISK_EVERY, watch_disk, self._over),
            self._start(_("messages"), SEND_MESSAGES_EVERY, self._send_messages, self._over),
        ]
        try:
            while self.running:
                if job := self._take():
                    self._execute(job)
        finally:
            self._runs.join()
            self._over.set()
            self._wake()
            for thread in threads:
                thread.join(timeout=2)
            self._senders.join(2)
            with isolated(_("the row of this worker")):
                Worker.objects.filter(name=self._name).delete()

    def _take(self) -> Job | None:
        with isolated(_("the queue")):
            close_old_connections()
            return self._queue.take(LOOK_FOR_WORK_EVERY)
        self._over.wait(PAUSE_AFTER_FAULT)
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
                self._wake()

        self._runs.start(job.run_id, execute_and_deliver)
        while self.running and not self._runs.has_room():
            self._runs.ended.wait(LOOK_FOR_WORK_EVERY)

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Requeue the current run and end; takes seconds, so a second signal changes nothing."""
        # An exception here could come within a transaction, or between taking a job and executing
        # it. So only set a flag.
        shutdown.set()
        self.running = False

    def _start(
        self, name: str, every: float, do: Callable[[], object], wake: threading.Event
    ) -> threading.Thread:
        """Call `do` repeatedly, in a thread with its own database connection."""

        def repeat() -> None:
            while not self._over.is_set():
                with isolated(name):
                    close_old_connections()
                    do()
                wake.wait(every)
                if wake is not self._over:
                    wake.clear()
            connection.close()

        thread = threading.Thread(target=repeat, name=name, daemon=True)
        thread.start()
        return thread

    def _wake(self) -> None:
        self._run_ended.set()
        self._step_ended.set()

    def _see(self) -> None:
        Worker.objects.see(
            self._name,
            os.getpid(),
            clock_ahead=self._clock_ahead,
            queue_error=self._queue_error(),
        )
        enqueue_unblocked()

    def _queue_error(self) -> str:
        try:
            self._queue.see()
        except QueueError as error:
            return str(error)
        return ""

    def _deliver(self) -> None:
        self._senders.start_due()

    def _watch_certificates(self) -> None:
        watch_certificates(self._over.is_set)

    def _send_messages(self) -> None:
        send_messages(self._over.is_set)

    def _tidy(self) -> None:
        self._clock_ahead = clock_ahead()
        # First, as the round may delete the files that tell the identifiers.
        self._identifiers.tick(clock.now(), self._over.is_set)
        rounds.tick(clock.now(), self._over.is_set)

    def _recover(self) -> None:
        recovery.recover(is_thorough=not self._has_recovered)
        self._has_recovered = True


def work(on_ready: Callable[[], object] = lambda: None) -> None:
    """Run a worker in this process until a signal asks for its end.

    `on_ready` is called once the signal handlers are set.
    """
    set_process_actor(Actor.of_worker())
    worker = ExportWorker()
    runner.prepare()
    tune_process()
    on_stop_signals(worker.shutdown)
    on_ready()
    worker.run()
