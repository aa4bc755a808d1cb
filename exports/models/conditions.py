"""The conditions of a task."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports.connectwise.filter.conditions import Condition as TypedCondition


class Condition(models.Model):
    """One condition of a task, as it was typed."""

    task = models.ForeignKey("exports.Task", models.CASCADE, related_name="conditions")
    position = models.PositiveSmallIntegerField()
    field = models.CharField(gettext_lazy("Field"), max_length=100)
    comparison = models.CharField(gettext_lazy("Comparison"), max_length=20)
    value = models.TextField(gettext_lazy("Value"), blank=True)
    logic_operator = models.CharField(gettext_lazy("Logic Operator"), max_length=3, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="one_condition_a_position"),
            models.CheckConstraint(
                condition=Q(logic_operator__in=["", "And", "Or"]), name="logic_operator_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} {self.comparison} {self.value} {self.logic_operator}".strip()

    def as_typed(self) -> TypedCondition:
        return TypedCondition(self.field, self.comparison, self.value, self.logic_operator)
