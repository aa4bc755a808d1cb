"""What a run tells while it goes: its log, bounded, and its counters (rule R5)."""

from exports.models import Run, RunLogEntry
from exports.models.runs import LOG_LIMIT

MESSAGE_LENGTH = 1000
# The last line a full log takes; errors still follow it, since there is one at most.
FULL = "The log is full; further lines are left out."


class RunLog:
    """Adds lines to the log of one run until it holds LOG_LIMIT of them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._line_count = RunLogEntry.objects.filter(run=run).count()

    def info(self, message: str) -> None:
        self._add(RunLogEntry.Level.INFO, message)

    def warning(self, message: str) -> None:
        self._add(RunLogEntry.Level.WARNING, message)

    def warning_once(self, message: str) -> None:
        """A warning, unless it is what the last line says: for what is tried again and again."""
        newest = RunLogEntry.objects.filter(run=self._run).order_by("-id").first()
        if newest is None or newest.message != message[:MESSAGE_LENGTH]:
            self.warning(message)

    def error(self, message: str) -> None:
        self._write(RunLogEntry.Level.ERROR, message)

    def _add(self, level: str, message: str) -> None:
        self._line_count += 1
        if self._line_count < LOG_LIMIT:
            self._write(level, message)
        elif self._line_count == LOG_LIMIT:
            self._write(RunLogEntry.Level.WARNING, FULL)

    def _write(self, level: str, message: str) -> None:
        RunLogEntry.objects.create(run=self._run, level=level, message=message[:MESSAGE_LENGTH])
