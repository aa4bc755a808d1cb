"""The lines of a run's log (rule R5)."""

from django.db import models
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.message_field import MessageField
from exports.models.runs import Run

LOG_LIMIT = 2_000


class RunLogEntry(models.Model):
    """A line of a run's log; RunLog limits their number."""

    class Level(models.TextChoices):
        INFO = "info", gettext_lazy("Info")
        WARNING = "warning", gettext_lazy("Warning")
        ERROR = "error", gettext_lazy("Error")

    run = models.ForeignKey(Run, models.CASCADE, related_name="log_entries")
    logged_at = models.DateTimeField(default=clock.now)
    level = models.CharField(max_length=10, choices=Level.choices)
    message = MessageField()

    def __str__(self) -> str:
        return f"{self.logged_at:%H:%M:%S} {self.level} {self.message}"
