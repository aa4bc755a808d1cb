"""What came of a run: its counts, its file, the dates it moved, or why it failed."""

from django.db import models
from django.utils.translation import gettext_lazy

from exports.models.messages import MessageField


class Result(models.Model):
    """The columns that hold the run's end, and what ConnectWise said that it is judged by."""

    connectwise_started_at = models.DateTimeField(null=True)
    api_version = models.CharField(max_length=50, blank=True)
    unfiltered_count = models.PositiveIntegerField(null=True)
    highest_id = models.BigIntegerField(
        null=True, help_text=gettext_lazy("The highest id when it started.")
    )
    proven_count = models.PositiveIntegerField(null=True)
    batch_count = models.PositiveIntegerField(null=True)
    # The run's own file below the data folder, and the name it is downloaded under.
    file_path = models.CharField(max_length=300, blank=True)
    file_name = models.CharField(max_length=250, blank=True)
    file_size = models.BigIntegerField(null=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    # Of the proof beside the file; runs of earlier versions have none.
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    date_created_after = models.DateTimeField(null=True)
    date_modified_after = models.DateTimeField(null=True)
    suspicion = MessageField(blank=True)
    suspicion_code = models.CharField(max_length=60, blank=True)
    error = MessageField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    # Failed, and its On Failure Task has not been seen to yet (R6).
    is_failure_open = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def is_suspicious(self) -> bool:
        return bool(self.suspicion)
