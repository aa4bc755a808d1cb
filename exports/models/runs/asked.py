"""The request of a run: what to export, and who asked, frozen when it is queued (rule R2)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from exports.models.message_field import MessageField


class Asked(models.Model):
    """The columns that are written once, when the run is queued."""

    class Trigger(models.TextChoices):
        MANUAL = "manual", gettext_lazy("Run now")
        COMMAND = "command", gettext_lazy("Command line")
        FAILURE = "failure", gettext_lazy("On Failure Task")
        SCHEDULE = "schedule", gettext_lazy("Schedule")
        REEXPORT = "reexport", gettext_lazy("Export again")
        WORKFLOW = "workflow", gettext_lazy("Workflow")
        API = "api", gettext_lazy("API")

        @classmethod
        def automatic(cls) -> frozenset[str]:
            """What nobody asked for in person."""
            return frozenset({cls.FAILURE.value, cls.SCHEDULE.value, cls.WORKFLOW.value})

    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="runs")
    task_name = models.CharField(max_length=100)
    connection = models.ForeignKey("exports.Connection", models.PROTECT, related_name="+")
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    # The name of the token by which a program asked in that person's name.
    requested_with = models.CharField(max_length=100, blank=True)
    site = models.CharField(max_length=255)
    company = models.CharField(max_length=100)
    public_key = models.CharField(max_length=100)
    client_id = models.CharField(max_length=100, blank=True)
    conditions = models.TextField(
        blank=True, help_text=gettext_lazy("The user's part of the filter, as sent.")
    )
    export = models.CharField(max_length=10)
    date_created_before = models.DateTimeField()
    date_modified_before = models.DateTimeField()
    page_size = models.PositiveSmallIntegerField()
    output_file = models.CharField(max_length=200)
    include_extra_fields = models.BooleanField(default=False)
    parallel_requests = models.PositiveSmallIntegerField(default=4)
    can_resume = models.BooleanField(default=True)
    # The sync window, see exports/models/sync_window.py (rules W1, W4, W5).
    modified_after = models.DateTimeField(null=True)
    created_after = models.DateTimeField(null=True)
    start_id = models.BigIntegerField(null=True)
    skips_known = models.BooleanField(default=False)
    # Only batches exported by this run or later are skipped: the date was typed before it (W5).
    known_from_run = models.BigIntegerField(null=True)
    window_reason = MessageField(blank=True)

    # A re-export: the batches of an earlier run, or these ids (rule R7).
    reexport_of = models.ForeignKey(
        "exports.RunSummary", models.PROTECT, null=True, related_name="+"
    )
    reexport_ids = models.JSONField(default=list)
    # The failed run that this one was queued after (R6).
    caused_by = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="led_to")

    class Meta:
        abstract = True

    @property
    def is_reexport(self) -> bool:
        return self.trigger == self.Trigger.REEXPORT
