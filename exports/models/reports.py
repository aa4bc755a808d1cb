"""The report of each run of a task or workflow: when, to which channel, with what (rule N5)."""

from django.db import models
from django.utils.translation import gettext_lazy


class Reported(models.Model):
    """The columns of a task or workflow that say whether its runs are reported."""

    class Report(models.TextChoices):
        NEVER = "never", gettext_lazy("Never")
        ALWAYS = "always", gettext_lazy("After every run")
        ON_FAILURE = "on_failure", gettext_lazy("After a failed or suspicious run")

    report = models.CharField(
        gettext_lazy("Report"), max_length=10, choices=Report.choices, default=Report.NEVER
    )
    report_channel = models.ForeignKey(
        "exports.Channel",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="%(class)ss_reporting",
        verbose_name=gettext_lazy("Report to"),
    )
    report_with_log = models.BooleanField(gettext_lazy("Report with the log"), default=False)
    report_with_file = models.BooleanField(gettext_lazy("Report with the file"), default=False)

    class Meta:
        abstract = True

    def is_reported(self, result: str) -> bool:
        """Whether a run with this result is: succeeded, suspicious or failed."""
        if self.report_channel_id is None or self.report == self.Report.NEVER:
            return False
        return self.report == self.Report.ALWAYS or result != "succeeded"
