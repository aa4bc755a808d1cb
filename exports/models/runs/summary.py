"""What stays of a successful run when housekeeping deletes it (rule G2)."""

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connections, models
from django.utils.translation import gettext as _

from exports.models.runs.asked import Asked

if TYPE_CHECKING:
    from exports.models.runs.run import Run

# The columns that a summary has from its run, under the same names.
_COPIED: Final = (
    *("id", "task_id", "task_name", "site", "company", "conditions", "export", "trigger"),
    *("requested_by_id", "reexport_of_id", "queued_at", "started_at", "finished_at", "highest_id"),
    *("batch_count", "file_name", "file_size", "file_sha256"),
)
_INSERT: Final = (
    "INSERT INTO exports_runsummary ({columns}, delivered_to) SELECT {columns}, '[]' "
    "FROM exports_run WHERE status = 'succeeded' AND {of_run} "
    "AND NOT EXISTS (SELECT 1 FROM exports_runsummary s WHERE s.id = exports_run.id)"
)


class RunSummaryManager(models.Manager["RunSummary"]):
    def remember(self, run: "Run") -> None:
        """Add the summary of a run that has just succeeded, in the caller's transaction."""
        self._insert("id = %s", [run.pk])

    def add_missing(self, *, among_last: int | None = None) -> None:
        """Add those of successes that a worker of an earlier version recorded.

        Looks at the last so many successes, if a number is given.
        """
        if among_last is None:
            self._insert("1 = 1", [])
            return
        # From an index alone; all successes grow without end.
        last = (
            "id IN (SELECT id FROM exports_run WHERE status = 'succeeded' "
            "ORDER BY finished_at DESC LIMIT %s)"
        )
        self._insert(last, [among_last])

    def _insert(self, of_run: str, params: list[int]) -> None:
        with connections[self.db].cursor() as cursor:
            cursor.execute(_INSERT.format(columns=", ".join(_COPIED), of_run=of_run), params)


class RunSummary(models.Model):
    """A success, as ledger, dates and re-exports refer to it: its columns are named as the run's.

    Made with the success and never deleted, so that housekeeping changes nothing that a later run
    fetches or skips.
    """

    # The number of the run.
    id = models.BigIntegerField(primary_key=True)
    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="run_summaries")
    task_name = models.CharField(max_length=100)
    site = models.CharField(max_length=255)
    company = models.CharField(max_length=100)
    conditions = models.TextField(blank=True)
    export = models.CharField(max_length=10)
    trigger = models.CharField(max_length=20)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reexport_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    highest_id = models.BigIntegerField(null=True)
    batch_count = models.PositiveIntegerField()
    file_name = models.CharField(max_length=250, blank=True)
    file_size = models.BigIntegerField(null=True)
    file_sha256 = models.CharField(max_length=64)
    # Set when housekeeping takes the run, before anything of it is deleted.
    pruned_at = models.DateTimeField(null=True)
    # Where the file had been delivered to by then: the names of the destinations.
    delivered_to = models.JSONField(default=list)
    # Set where it was made of a file found after a restore; such a run has no other row (B4).
    taken_in_at = models.DateTimeField(null=True)

    objects = RunSummaryManager()

    class Meta:
        indexes = [
            models.Index(fields=["task", "-id"], name="run_summary_task_newest"),
            # Finds a task's successes since a date was typed.
            models.Index(fields=["task", "queued_at"], name="run_summary_task_queued"),
            # Finds what went out on some days.
            models.Index(fields=["finished_at"], name="run_summary_finished"),
            # The size of a task's files is read from this index alone.
            models.Index(
                fields=["task", "file_size"],
                condition=models.Q(pruned_at=None),
                name="run_summary_task_size",
            ),
        ]

    def get_trigger_display(self) -> str:
        return str(Asked.Trigger(self.trigger).label)

    def __str__(self) -> str:
        return _("Run %(run)s of %(task)s") % {"run": self.pk, "task": self.task_name}
