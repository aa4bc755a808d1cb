"""The result of a run: its counts, its file, the dates it moved, or why it failed."""

from django.db import models
from django.utils.translation import gettext_lazy

from exports.models.message_field import MessageField


class Result(models.Model):
    """The columns for the run's result, and for the answers of ConnectWise it is judged by."""

    connectwise_started_at = models.DateTimeField(null=True)
    api_version = models.CharField(max_length=50, blank=True)
    unfiltered_count = models.PositiveIntegerField(null=True)
    highest_id = models.BigIntegerField(
        null=True, help_text=gettext_lazy("The highest id when it started.")
    )
    proven_count = models.PositiveIntegerField(null=True)
    batch_count = models.PositiveIntegerField(null=True)
    # The run file, relative to the data folder, and the name it is downloaded under.
    file_path = models.CharField(max_length=300, blank=True)
    file_name = models.CharField(max_length=250, blank=True)
    file_size = models.BigIntegerField(null=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    # Of the manifest beside the run file; empty for runs of earlier versions.
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    date_created_after = models.DateTimeField(null=True)
    date_modified_after = models.DateTimeField(null=True)
    suspicion = MessageField(blank=True)
    suspicion_code = models.CharField(max_length=60, blank=True)
    error = MessageField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    # Set when housekeeping takes the run, before anything of it is deleted (G1).
    pruned_at = models.DateTimeField(null=True)
    # Failed, and its On Failure Task has not been handled yet (R6).
    is_failure_open = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def is_suspicious(self) -> bool:
        return bool(self.suspicion)
