"""The log of a run, limited in the number of lines and their length."""

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.models import Run, RunLogEntry
from exports.models.log_entries import LOG_LIMIT

MESSAGE_LENGTH = 1000
# The last line of a full log; only an error, of which there is at most one, may follow.
FULL = gettext_noop("The log is full; further lines are not kept.")


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
        """Add a warning unless it equals the last line; for actions that are retried."""
        newest = RunLogEntry.objects.filter(run=self._run).order_by("-id").first()
        if newest is None or newest.message != _bounded(message):
            self.warning(message)

    def error(self, message: str) -> None:
        self._write(RunLogEntry.Level.ERROR, message)

    def _add(self, level: str, message: str) -> None:
        self._line_count += 1
        if self._line_count < LOG_LIMIT:
            self._write(level, message)
        elif self._line_count == LOG_LIMIT:
            self._write(RunLogEntry.Level.WARNING, _(FULL))

    def _write(self, level: str, message: str) -> None:
        RunLogEntry.objects.create(run=self._run, level=level, message=_bounded(message))


def _bounded(message: str) -> str:
    return message if len(message) <= MESSAGE_LENGTH else message[:MESSAGE_LENGTH]
