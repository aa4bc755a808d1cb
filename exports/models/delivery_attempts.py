"""The tries of a delivery: when, by whom, and what came of each (rule D3)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.message_field import MessageField


class DeliveryAttempt(models.Model):
    """One try; begun with it, and ended in the transaction that changes the delivery."""

    class Outcome(models.TextChoices):
        SENDING = "sending", gettext_lazy("Sending")
        DELIVERED = "delivered", gettext_lazy("Delivered")
        SUPERSEDED = "superseded", gettext_lazy("Replaced by a newer run")
        FAILED = "failed", gettext_lazy("Failed")
        STOPPED = "stopped", gettext_lazy("Stopped: the worker ended")

    delivery = models.ForeignKey("exports.Delivery", models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.SENDING)
    error_code = models.CharField(max_length=50, blank=True)
    error = MessageField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="one_row_an_attempt"),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["sending", "delivered", "superseded", "failed", "stopped"]
                ),
                name="attempt_outcome_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}.{self.number}"
