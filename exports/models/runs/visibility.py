"""How much of ConnectWise a run could see, beside what an earlier one saw (rules W10, W11)."""

from django.conf import settings
from django.db import models


class Visibility(models.Model):
    """The columns that tell batches lost from sight, and those that came back."""

    # Up to this id, the highest that any trusted run of the task has seen, it saw so many batches.
    visible_up_to = models.BigIntegerField(null=True)
    visible_count = models.PositiveIntegerField(null=True)
    # The trusted run before: what it saw, and what of that there was when this one began.
    baseline = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="+")
    baseline_count = models.PositiveIntegerField(null=True)
    remaining_count = models.PositiveIntegerField(null=True)
    # Who took the count for right although it is suspicious, and why.
    count_accepted_at = models.DateTimeField(null=True)
    count_accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    count_accepted_name = models.CharField(max_length=150, blank=True)
    count_accepted_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    # What other fields of the run these columns are read with.
    highest_id: int | None
    unfiltered_count: int | None

    @property
    def seen_up_to(self) -> int:
        """The id up to which `seen_count` counts; runs of earlier versions kept the highest id."""
        return self.visible_up_to if self.visible_up_to is not None else self.highest_id or 0

    @property
    def seen_count(self) -> int:
        """How many batches it could see up to that id."""
        if self.visible_count is not None:
            return self.visible_count
        return self.unfiltered_count or 0
