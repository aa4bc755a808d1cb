"""The lease a worker has on a run: heartbeats, and the reasons to stop."""

import logging
import threading
import time
from contextvars import copy_context
from enum import StrEnum
from types import TracebackType
from typing import Self

from django.db import DatabaseError, close_old_connections, connection

from exports.connectwise.http.errors import StoppedError
from exports.connectwise.language import gettext as _
from exports.models import Run

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds between checks for a cancel, so that a run ends within 2 s
RENEW_EVERY = 10.0
# Another worker may take the run after 60 s without a heartbeat; this one must stop before then.
GIVE_UP_AFTER = 45.0

# Set by the worker's signal handler: every run of this process returns to the queue.
shutdown = threading.Event()


class StopReason(StrEnum):
    """Why a worker stops in the middle of a run."""

    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"
    LOST = "lost"


class Lease:
    """Renews the claim of `owner` on a running `run` from a thread, until the `with` block ends."""

    def __init__(self, run: Run, owner: str) -> None:
        self.run_id = run.pk
        self.owner = owner
        # A separate Run object, as the runner changes its own from another thread.
        self._run = Run(pk=run.pk, attempt=run.attempt)
        self._reason: StopReason | None = None
        self._renewed_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"lease-{run.pk}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=5)

    def stop_reason(self) -> StopReason | None:
        """None while the run may go on."""
        # By the clock, as the thread that renews it may wait for a database that was cut off.
        if self._reason is None and self._is_given_up():
            self._reason = StopReason.LOST
        if self._reason is None and shutdown.is_set():
            return StopReason.SHUTDOWN
        return self._reason

    def _is_given_up(self) -> bool:
        """Also after this process was suspended; another worker may hold the run by now."""
        return time.monotonic() - self._renewed_at > GIVE_UP_AFTER

    def should_stop(self) -> bool:
        return self.stop_reason() is not None

    def check(self) -> None:
        """Raises StoppedError when the run must not go on."""
        if self.should_stop():
            raise StoppedError(step="batches")

    def _keep(self) -> None:
        try:
            while not self._over.wait(LOOK_EVERY):
                try:
                    close_old_connections()
                    self._look()
                except DatabaseError:
                    params = {"run": self.run_id}
                    logger.warning(_("Run %(run)s: the database did not answer."), params)
                if self._reason is not None or self._is_given_up():
                    return
        finally:
            connection.close()

    def _look(self) -> None:
        now = time.monotonic()
        if self._is_given_up():
            self._reason = StopReason.LOST
        elif self._run.is_cancel_requested():
            self._reason = StopReason.CANCELLED
        elif now - self._renewed_at >= RENEW_EVERY:
            if self._run.renew(self.owner):
                # From before it was asked, as the answer may come late.
                self._renewed_at = now
            else:
                self._reason = StopReason.LOST
