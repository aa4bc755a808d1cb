"""What a run tells while it goes: its log, bounded, and what it waits for (rule R5)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.connectwise.http.retries import Wait
from exports.models import Run, RunLogEntry
from exports.models.log_entries import LOG_LIMIT

MESSAGE_LENGTH = 1000
ACTIVITY_LENGTH = 300
# The last line a full log takes; errors still follow it, since there is one at most.
FULL = gettext_noop("The log is full; further lines are left out.")
_WAITING = gettext_noop("Waiting until %(until)s, then try %(number)s of %(tries)s: %(reason)s")
_PARTS = {"until": r"\S+", "number": r"\d+", "tries": r"\d+", "reason": ".*"}


@dataclass(frozen=True)
class Waiting:
    """A pause before ConnectWise is asked again; kept in the run's activity as one line of text.

    `number` is that of the try that follows. The moment, not its length, so that a page can count
    down however late it is opened.
    """

    until: datetime
    number: int
    tries: int
    reason: str

    @classmethod
    def of(cls, wait: Wait, tries: int, now: datetime) -> Self:
        reason = _("ConnectWise asked for it (429)") if wait.is_throttled else wait.reason
        return cls(now + timedelta(seconds=wait.seconds), wait.attempt + 1, tries, reason)

    @classmethod
    def read(cls, activity: str) -> Self | None:
        """What `str` made of one; None for every other activity."""
        # Every second piece of the sentence is the name of a placeholder.
        pieces = re.split(r"%\((\w+)\)s", _(_WAITING))
        for at, piece in enumerate(pieces):
            pieces[at] = f"(?P<{piece}>{_PARTS[piece]})" if at % 2 else re.escape(piece)
        found = re.fullmatch("".join(pieces), activity, re.DOTALL)
        if found is None:
            return None
        until = datetime.fromisoformat(found["until"])
        return cls(until, int(found["number"]), int(found["tries"]), found["reason"])

    def __str__(self) -> str:
        until = self.until.astimezone(UTC).isoformat(timespec="seconds")
        params = {"until": until, "number": self.number, "tries": self.tries}
        frame = _(_WAITING)
        # Only the reason may lose its end, wherever the language puts it.
        room = ACTIVITY_LENGTH - len(frame % {**params, "reason": ""})
        return frame % {**params, "reason": self.reason[:room]}


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
            self._write(RunLogEntry.Level.WARNING, _(FULL))

    def _write(self, level: str, message: str) -> None:
        RunLogEntry.objects.create(run=self._run, level=level, message=message[:MESSAGE_LENGTH])
