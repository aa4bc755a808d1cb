"""Rounds of housekeeping within a history, between runs and during them; some end half-way."""

from collections import Counter
from datetime import timedelta
from random import Random
from threading import Lock

from django.db import connection

from exports import clock
from exports.housekeeping import rounds
from exports.housekeeping.retention import Policy
from exports.models import HousekeepingRound, Run
from exports.models.housekeeping_rounds import STALLED_AFTER
from tests.stress.checker import Verdict
from tests.stress.evidence import look_at_kept
from tests.stress.sample_installation import SampleInstallation

# As good as everything that is over, and no more than some runs of each task.
_SHORTEST = Policy(0, 1)
_POLICIES = (_SHORTEST, Policy(90, 1), Policy(90, 2), Policy(90, 5))


class _WorkerEndedError(BaseException):
    """A worker that is gone, as after SIGKILL: nothing of the product handles it."""


class Pruning:
    """Housekeeping with a history as short as settings allow; `verdict`: what it may not take."""

    def __init__(self, sample: SampleInstallation, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self.verdict = Verdict()
        self._sample = sample
        self._random = random
        self._one_at_a_time = Lock()

    def prune(self) -> None:
        """A round, during which the worker dies now and then."""
        dies_after = self._random.choice((None, None, 0, 1, 3))
        with self._one_at_a_time:
            self._run_round(self._random.choice(_POLICIES), dies_after)

    def prune_meanwhile(self) -> None:
        """In another thread than the history's."""
        try:
            self.prune()
        finally:
            connection.close()

    def prune_to_the_end(self) -> None:
        """All that may go goes, with what rounds before had begun."""
        while HousekeepingRound.objects.active().exists():
            self._run_round(_SHORTEST)
        self._run_round(_SHORTEST)
        if left := Run.objects.exclude(pruned_at=None).count():
            self.verdict.find("broken", f"{left} runs are marked, and were not deleted")

    def _run_round(self, policy: Policy, dies_after: int | None = None) -> None:
        self._sample.archive.keep()
        row = _taken()
        if row is None:
            self.counts["left to a worker"] += 1
            return
        left = dies_after

        def look(run: Run) -> None:
            nonlocal left
            self.counts["runs deleted"] += 1
            if left is not None:
                left -= 1
                if left < 0:
                    raise _WorkerEndedError

        self.counts["rounds"] += 1
        try:
            rounds.run_round(row, policy=policy, on_deleted=look)
        except _WorkerEndedError:
            self.counts["workers that died"] += 1
        for task in self._sample.tasks:
            self.verdict.add(look_at_kept(task, self._sample.archive))


def _taken() -> HousekeepingRound | None:
    """A new round, or one whose worker is gone, as if it had been silent for long."""
    now = clock.now()
    rows = HousekeepingRound.objects
    silent_since = now - STALLED_AFTER - timedelta(minutes=1)
    rows.filter(status="running").update(heartbeat_at=silent_since)
    row = rows.active().first() or rows.ask(HousekeepingRound.Trigger.COMMAND, now)
    # A worker of the history may have been quicker.
    is_ours = row is not None and (row.take("stress", now) or row.steal("stress again", now))
    return row if is_ours else None
