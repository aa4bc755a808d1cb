"""How many batches a run could see, compared with an earlier run (rules W10, W11)."""

from django.conf import settings
from django.db import models


class Visibility(models.Model):
    """The columns that show whether batches became invisible or visible again."""

    # How many batches the run saw up to `visible_up_to`, the highest id this or a trusted run saw.
    visible_up_to = models.BigIntegerField(null=True)
    visible_count = models.PositiveIntegerField(null=True)
    # The last trusted run, its count, and how many of its batches this run still found.
    baseline = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="+")
    baseline_count = models.PositiveIntegerField(null=True)
    remaining_count = models.PositiveIntegerField(null=True)
    # Who accepted the suspicious count, and why.
    count_accepted_at = models.DateTimeField(null=True)
    count_accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    count_accepted_name = models.CharField(max_length=150, blank=True)
    count_accepted_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    # Columns of Result that the properties below read.
    highest_id: int | None
    unfiltered_count: int | None

    @property
    def seen_up_to(self) -> int:
        """The id up to which `seen_count` counts; runs of earlier versions kept the highest id."""
        return self.visible_up_to if self.visible_up_to is not None else self.highest_id or 0

    @property
    def seen_count(self) -> int:
        """How many batches the run saw up to `seen_up_to`."""
        if self.visible_count is not None:
            return self.visible_count
        return self.unfiltered_count or 0
