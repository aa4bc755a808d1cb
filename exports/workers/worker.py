"""The worker process: executes queued runs, sends heartbeats, delivers files, recovers."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.db import close_old_connections, connection
from django_tasks_db.management.commands.db_worker import Worker as QueueWorker

from exports.connectwise.language import gettext as _
from exports.delivery.sending import send_due
from exports.housekeeping.isolation import isolated
from exports.models import Worker
from exports.models.workers import SEEN_EVERY
from exports.pipeline import runner
from exports.pipeline.lease import shutdown
from exports.workers import recovery
from exports.workers.jobs import enqueue_unblocked
from exports.workers.stop_signals import on_stop_signals
from exports.workers.tuning import tune_process

logger = logging.getLogger(__name__)

LOOK_FOR_WORK_EVERY = 0.5  # seconds
RECOVER_EVERY = 10.0
DELIVER_EVERY = 5.0
PAUSE_AFTER_FAULT = 2.0


class ExportWorker(QueueWorker):
    """The database queue's worker, with heartbeats and a shutdown that requeues its run."""

    def __init__(self) -> None:
        super().__init__(
            queue_names=["*"],
            interval=LOOK_FOR_WORK_EVERY,
            batch=False,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=uuid.uuid4().hex,
            excluded_queue_names=[],
        )
        self._name = f"{socket.gethostname()[:60]}-{os.getpid()}-{self.worker_id[:8]}"
        self._over = threading.Event()
        self._has_recovered = False
        # Set when a run has ended and its file may need delivery.
        self._run_ended = threading.Event()

    def run(self) -> None:
        """Work until a signal ends it."""
        # One thread each: if one hangs, heartbeats and runs still go on.
        threads = [
            self._start(_("signs of life"), SEEN_EVERY.total_seconds(), self._see, self._over),
            self._start(_("recovery"), RECOVER_EVERY, self._recover, self._over),
            self._start(_("deliveries"), DELIVER_EVERY, self._deliver, self._run_ended),
        ]
        try:
            while self.running:
                with isolated(_("the queue")):
                    super().run()
                    break
                self._over.wait(PAUSE_AFTER_FAULT)
        finally:
            self._over.set()
            self._run_ended.set()
            for thread in threads:
                thread.join(timeout=2)
            with isolated(_("the row of this worker")):
                Worker.objects.filter(name=self._name).delete()

    def run_task(self, db_task_result: Any) -> None:
        super().run_task(db_task_result)
        self._run_ended.set()

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Requeue the current run and end; takes seconds, so a second signal changes nothing."""
        # The queue's own worker raises an exception here, possibly within a transaction or between
        # taking a job and executing it. So only set a flag.
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

    def _see(self) -> None:
        Worker.objects.see(self._name, os.getpid())
        enqueue_unblocked()

    def _deliver(self) -> None:
        send_due(self._over.is_set)

    def _recover(self) -> None:
        recovery.recover(is_thorough=not self._has_recovered)
        self._has_recovered = True


def work(on_ready: Callable[[], object] = lambda: None) -> None:
    """Run a worker in this process until a signal asks for its end.

    `on_ready` is called once the signal handlers are set.
    """
    worker = ExportWorker()
    runner.prepare()
    tune_process()
    on_stop_signals(worker.shutdown)
    on_ready()
    worker.run()
