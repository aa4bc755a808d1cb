"""The worker process: takes queued runs, shows that it lives, recovers what others left."""

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


class ExportWorker(QueueWorker):
    """The database queue's worker, with our signs of life and a shutdown that runs obey (H4)."""

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
        # Set when something may have to be sent.
        self._run_ended = threading.Event()

    def run(self) -> None:
        """Work until a signal ends it."""
        threads = [
            threading.Thread(target=self._live, name="recovery", daemon=True),
            # Of its own: a folder that hangs must hold up neither signs of life nor runs.
            threading.Thread(target=self._deliver, name="deliveries", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            super().run()
        finally:
            self._over.set()
            self._run_ended.set()
            for thread in threads:
                thread.join(timeout=2)
            Worker.objects.filter(name=self._name).delete()

    def run_task(self, db_task_result: Any) -> None:
        super().run_task(db_task_result)
        self._run_ended.set()

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Give the current run back to the queue; it ends within seconds, so once is enough."""
        # Not as the queue's worker does it, by an exception wherever the signal finds it: that may
        # be within a transaction, or between taking a job and executing it.
        shutdown.set()
        self.running = False

    def _live(self) -> None:
        """Show signs of life and, every ten seconds and at the start, recover lost runs."""
        beats_per_recovery = max(1, round(RECOVER_EVERY / SEEN_EVERY.total_seconds()))
        beat = 0
        while True:
            try:
                close_old_connections()
                Worker.objects.see(self._name, os.getpid())
                enqueue_unblocked()
                if beat % beats_per_recovery == 0:
                    recovery.recover(is_thorough=beat == 0)
            except Exception:
                # Whatever it is, signs of life must go on, and the next beat tries again: a full
                # disk or a restarting database passes.
                logger.exception(_("The recovery was put off."))
            beat += 1
            if self._over.wait(SEEN_EVERY.total_seconds()):
                break
        connection.close()

    def _deliver(self) -> None:
        """Send files after each run, and whatever else is due every few seconds."""
        while not self._over.is_set():
            try:
                close_old_connections()
                send_due(self._over.is_set)
            except Exception:
                logger.exception(_("Sending files was put off."))
            self._run_ended.wait(DELIVER_EVERY)
            self._run_ended.clear()
        connection.close()


def work(on_ready: Callable[[], object] = lambda: None) -> None:
    """Run a worker in this process until a signal asks for its end.

    `on_ready` is called when a signal no longer ends the process in the middle of something.
    """
    worker = ExportWorker()
    runner.prepare()
    tune_process()
    on_stop_signals(worker.shutdown)
    on_ready()
    worker.run()
