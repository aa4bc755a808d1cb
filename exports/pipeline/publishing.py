"""Publishes the checked file of a run; waits for a storage that does not answer (O3, Q3)."""

import time
from collections.abc import Callable
from typing import Final

from exports.connectwise.language import gettext as _
from exports.connectwise.xml.validation import CheckedFile
from exports.models import Run
from exports.pipeline.lease import Lease
from exports.storage import files
from exports.storage.run_log import RunLog
from exports.storage.store import StorageUnreachableError, stopped_by

# Constants, which tests replace. In seconds.
PATIENCE = 600.0
_LONGEST_PAUSE: Final = 30.0
_TICK: Final = 0.2


def publish(run: Run, lease: Lease, manifest: bytes, checked: CheckedFile, log: RunLog) -> str:
    """Give the run's part file a final name, which is returned.

    Raises OSError, and StoppedError when the lease ends meanwhile. What may be left then belongs to
    no success: recovery removes a manifest and sets a whole file aside.
    """
    name, part = files.new_name(run), files.part_file(run)
    end, pause = time.monotonic() + PATIENCE, 1.0
    with stopped_by(lease.should_stop):
        while True:
            try:
                files.publish(part, name, manifest, size=checked.size, sha256=checked.sha256)
            except StorageUnreachableError as error:
                if time.monotonic() + pause > end:
                    raise
                again = _("%(reason)s It is tried again until it answers.")
                log.warning_once(again % {"reason": error.strerror})
            except OSError:
                files.withdraw(name)
                raise
            else:
                return name
            _wait(pause, lease.check)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _wait(seconds: float, checkpoint: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        checkpoint()
        time.sleep(_TICK)
