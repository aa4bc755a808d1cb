"""How many runs of each task ended with which result: counts that only grow (rule I3)."""

from typing import TYPE_CHECKING, Final

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from exports.models.runs.run import Run

_MILLISECOND: Final = 1_000


class RunTallyManager(models.Manager["RunTally"]):
    def add(self, run: "Run") -> None:
        """Count a run that has just ended, in the caller's transaction."""
        result = RunTally.result_of(run)
        row = {"task_id": run.task_id, "result": result}
        if not self._add(run, **row):
            # Another process may make the row in the same moment.
            self.bulk_create([RunTally(**row)], ignore_conflicts=True)
            self._add(run, **row)

    def _add(self, run: "Run", **row: object) -> bool:
        duration = run.duration
        changes: dict[str, object] = {
            "run_count": F("run_count") + 1,
            "batch_count": F("batch_count") + (run.batch_count or 0),
            "duration_ms": F("duration_ms")
            + (round(duration.total_seconds() * _MILLISECOND) if duration else 0),
        }
        if not run.is_reexport:
            changes["last_at"] = run.finished_at
        return self.filter(**row).update(**changes) == 1


class RunTally(models.Model):
    """The runs of a task that ended with one result; housekeeping deletes none of it.

    The history cannot be counted for this: it is pruned, and a count that falls would look to a
    monitoring system as if thousands of runs had just ended.
    """

    class Result(models.TextChoices):
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        SUSPICIOUS = "suspicious", gettext_lazy("Succeeded, suspicious")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    task = models.ForeignKey("exports.Task", models.CASCADE, related_name="+")
    result = models.CharField(max_length=10, choices=Result.choices)
    run_count = models.PositiveBigIntegerField(default=0)
    batch_count = models.PositiveBigIntegerField(default=0)
    # Of all these runs together, from their first start to their end.
    duration_ms = models.PositiveBigIntegerField(default=0)
    # When the last of them ended; a re-export says nothing about the task and does not count.
    last_at = models.DateTimeField(null=True)

    objects = RunTallyManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "result"], name="one_tally_each_result"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.result}: {self.run_count}"

    @classmethod
    def result_of(cls, run: "Run") -> str:
        is_suspicious = run.status == run.Status.SUCCEEDED and run.suspicion
        return str(cls.Result.SUSPICIOUS if is_suspicious else run.status)
