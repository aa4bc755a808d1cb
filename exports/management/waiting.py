"""Waits for a run as a command does, and executes it in this process if there is no worker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from exports.delivery.sending import send_due
from exports.models import Run
from exports.workers import jobs, recovery
from exports.workers.stop_signals import on_stop_signals, restore_signals

LOOK_EVERY: Final = 0.5  # seconds
_RECOVER_EVERY: Final = 10.0
_DELIVER_WITHIN: Final = 60.0


class Waiting:
    """Waits until a run is over, and executes it in this process if there is no worker."""

    def __init__(self, run: Run, timeout: float | None) -> None:
        self.run = run
        self._deadline = None if timeout is None else time.monotonic() + timeout
        # None: not executed here. An Event, as before Python 3.13 an interrupted Thread.join treats
        # a thread that is still working as ended.
        self._executed: Event | None = None
        self._recovered_at = time.monotonic() - _RECOVER_EVERY

    def until_over(self) -> bool:
        """Return True when the run is over, or False when the time is up first."""
        while self._is_active():
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self.stop()
                return False
            if not self._is_executing() and not jobs.any_worker_alive():
                self._replace_worker()
            self._pause()
        self._finish()
        return True

    def stop(self) -> None:
        """If this process executes the run, cancel it and wait until it has ended."""
        if self._is_executing():
            self.run.cancel()
            self._finish()

    def _replace_worker(self) -> None:
        if time.monotonic() - self._recovered_at >= _RECOVER_EVERY:
            # No other process would recover the runs of a dead worker, perhaps this very run.
            self._recovered_at = time.monotonic()
            recovery.recover()
        self.run.refresh_from_db()
        if self.run.status == Run.Status.QUEUED:
            # In a thread, so that Ctrl-C interrupts this one, which can then cancel the run.
            self._executed = Event()
            Thread(target=self._execute, args=(self.run.attempt, self._executed)).start()

    def _execute(self, attempt: int, executed: Event) -> None:
        try:
            jobs.execute_here(self.run.pk, attempt)
        finally:
            connection.close()
            executed.set()

    def _is_active(self) -> bool:
        self.run.refresh_from_db()
        return self.run.is_active

    def _is_executing(self) -> bool:
        return self._executed is not None and not self._executed.is_set()

    def _pause(self) -> None:
        if self._executed is not None and self._is_executing():
            self._executed.wait(LOOK_EVERY)
        else:
            time.sleep(LOOK_EVERY)

    def _finish(self) -> None:
        """Wait until the execution in this process has ended."""
        if self._executed is not None:
            self._executed.wait()


def wait_for_deliveries(run: Run) -> None:
    """Wait for the first try to deliver the file, as the caller may need it next."""
    if not jobs.any_worker_alive():
        # In a thread, so that a hanging folder cannot block the command for ever.
        Thread(target=_deliver, daemon=True).start()
    deadline = time.monotonic() + _DELIVER_WITHIN
    while run.deliveries.untried().exists() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY / 5)


def _deliver() -> None:
    try:
        send_due()
    finally:
        connection.close()


def failure_run(run: Run) -> Run | None:
    """The run of the On Failure Task that was queued when `run` failed."""
    return run.led_to.filter(status=Run.Status.QUEUED).first()


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e9:
        raise ValueError
    return number


seconds.__name__ = _("number of seconds")  # argparse puts it into: invalid number of seconds value


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within the block every stop signal raises KeyboardInterrupt, as Ctrl-C does."""
    previous = on_stop_signals(_interrupt)
    try:
        yield
    finally:
        restore_signals(previous)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
