"""What people do between two runs: dates, conditions, settings, re-exports."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from exports.models import Connection, LedgerEntry, Run, Task
from exports.models.sync_window import restart_of
from exports.workers import jobs
from tests.stress.decisions import EARLIEST, Decision, Kind
from tests.stress.promises import deciding_field
from tests.stress.sample_installation import FILTERS, Filter, SampleInstallation, queue

_PAGE_SIZES = (25, 50, 100, 200, 1000)


class People:
    """The users of a sample's tasks; all their decisions are recorded in the tasks' accounts.

    Between runs only, as the product refuses to change a date while a run is active (W8).
    """

    def __init__(self, sample: SampleInstallation, random: Random) -> None:
        self._sample = sample
        self._random = random
        self.counts: Counter[str] = Counter()

    def act(self, task: Task) -> None:
        """Perhaps one or two of all possible actions on a task before its next run."""
        if self._random.random() < 0.12:
            self.change_filter(task, self._random.choice(FILTERS))
            if self._random.random() < 0.5:
                self.start_from_now(task)
        for share, act in (
            (0.08, self.type_date),
            (0.08, self.undo_date),
            (0.3, self.accept_count),
            (0.12, self.change_page_size),
            (0.12, self.change_parallel_requests),
        ):
            if self._random.random() < share:
                act(task)

    def queue(self, task: Task) -> Run:
        """*Run now*, or sometimes *Export again* of a run or of batches in the ledger."""
        dice = self._random.random()
        if dice < 0.08:
            return self.export_run_again(task) or queue(task)
        if dice < 0.14:
            return self.reexport_batches_of(task) or queue(task)
        return queue(task)

    def accept_count(self, task: Task) -> None:
        """Batches are deleted all the time here, and a person has to accept that."""
        last = Run.objects.own_successes(task.pk).first()
        if last is not None and last.accept_count("Deleted", name="stress"):
            self.counts["counts accepted"] += 1

    def change_filter(self, task: Task, filter: Filter) -> None:
        self._sample.change_filter(task, filter)
        self.counts["conditions"] += 1

    def type_date(self, task: Task, moment: datetime | None = None) -> None:
        """Type the task's date: the very beginning, some batch's last second, or now."""
        field = deciding_field(task)
        if moment is None:
            moment = self._some_moment()
        before = Task.objects.get(pk=task.pk)
        if getattr(before, field) == moment:
            return
        Task.objects.filter(pk=task.pk).update(**{field: moment})
        Task.objects.get(pk=task.pk).record_typed_dates(before, None)
        self._note(task, Kind.TYPE, moment)
        self.counts["dates typed"] += 1

    def undo_date(self, task: Task) -> None:
        """Undo the newest change of the date, by a run or a person, if there is one."""
        field = deciding_field(task)
        if task.date_changes.filter(field=field, undone_at=None).count() < 2:
            return
        Task.objects.get(pk=task.pk).undo_date(field, None)
        self._note(task, Kind.UNDO)
        self.counts["dates undone"] += 1

    def start_from_now(self, task: Task) -> None:
        """*Only from now on*, where the page offers it: after changed conditions."""
        fresh = Task.objects.get(pk=task.pk)
        restart = restart_of(fresh, fresh.rendered_conditions())
        if restart is None:
            return
        fresh.start_from_now(restart.field, None)
        self._note(task, Kind.FROM_NOW)
        self.counts["only from now on"] += 1

    def change_page_size(self, task: Task) -> None:
        Task.objects.filter(pk=task.pk).update(page_size=self._random.choice(_PAGE_SIZES))
        self.counts["page size"] += 1

    def change_parallel_requests(self, task: Task) -> None:
        Connection.objects.filter(pk=task.connection_id).update(
            parallel_requests=self._random.randint(1, 8)
        )
        self.counts["parallel requests"] += 1

    def export_run_again(self, task: Task) -> Run | None:
        """Queue the batches of an earlier run again; None when there is none."""
        earlier = list(Run.objects.filter(task=task, status="succeeded", batch_count__gt=0))
        if not earlier:
            return None
        of_run = self._random.choice(earlier)
        run = jobs.queue_reexport(Task.objects.get(pk=task.pk), of_run=of_run)
        self._sample.wanted[run.pk] = of_run.pk
        self.counts["runs again"] += 1
        return run

    def reexport_batches_of(self, task: Task) -> Run | None:
        """Queue up to thirty batches of the ledger again; None when it is empty."""
        ids = LedgerEntry.objects.sent_by(task).values_list("batch_id", flat=True).distinct()
        known = sorted(ids)
        if not known:
            return None
        chosen = self._random.sample(known, min(len(known), self._random.randint(1, 30)))
        run = jobs.queue_reexport(Task.objects.get(pk=task.pk), batch_ids=chosen)
        self._sample.wanted[run.pk] = chosen
        self.counts["batches again"] += 1
        return run

    def _some_moment(self) -> datetime:
        now = datetime.now(UTC).replace(microsecond=0)
        shown = self._sample.journal.shown()
        some_batch = self._random.choice(shown).updated_at or EARLIEST
        ago = timedelta(minutes=self._random.randint(0, 600))
        return self._random.choice((EARLIEST, some_batch, some_batch, now - ago, now))

    def _note(self, task: Task, kind: Kind, moment: datetime = EARLIEST) -> None:
        newest = Run.objects.filter(task=task).order_by("id").last()
        conditions = Task.objects.get(pk=task.pk).rendered_conditions()
        self._sample.accounts[task.pk].note(
            Decision(kind, newest.pk if newest else 0, datetime.now(UTC), moment, conditions)
        )
