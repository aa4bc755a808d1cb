"""Fields of the task form, and the error sentences of its plain fields."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from exports.models import Task
from exports.models.tags import TagsError, read_tags
from exports.models.tasks import MAX_HOURS
from exports.reporting.tags import known_tags
from exports.reporting.task_choices import TaskChoiceMixin

# Instead of Django's sentences, which give no example.
ERROR_MESSAGES: Final[dict[str, dict[str, Any]]] = {
    "name": {
        "required": gettext_lazy("The task needs a name, e.g. Nightly batches."),
        "max_length": gettext_lazy(
            "A task's name has at most %(limit_value)d characters, this one has "
            "%(show_value)d. Shorten it."
        ),
        "unique": gettext_lazy(
            "Another task has this name, perhaps an archived one: those are listed below the "
            "tasks on Home. Choose another."
        ),
    },
    "connection": {
        "required": gettext_lazy("Choose the connection whose batches are exported."),
        "invalid_choice": gettext_lazy("This connection is no longer there. Choose another."),
    },
    "export": {"invalid_choice": gettext_lazy("Choose Modified, New or All.")},
    "on_failure_task": {
        "invalid_choice": gettext_lazy("This task is no longer there. Choose another, or none.")
    },
}


# The generic exists for the type checker alone.
if TYPE_CHECKING:
    TaskModelChoiceField = forms.ModelChoiceField[Task]
else:
    TaskModelChoiceField = forms.ModelChoiceField


class TaskChoiceField(TaskChoiceMixin, TaskModelChoiceField):
    """A choice among tasks; archived tasks, which no longer run, are marked."""


class PageSizeField(forms.IntegerField):
    """1 to 1000 records a page; anything else gets the same error sentence."""

    def __init__(self, **kwargs: Any) -> None:
        sentence = gettext_lazy("A page holds 1 to 1000 records: write a whole number, e.g. 100.")
        problems = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
        # A number input would drop text that is no number; a text input keeps it.
        widget = forms.TextInput(attrs={"inputmode": "numeric"})
        super().__init__(
            min_value=1,
            max_value=1000,
            initial=100,
            widget=widget,
            error_messages=problems,
            **kwargs,
        )


class HoursField(forms.IntegerField):
    """A number of hours, or blank."""

    def __init__(self, **kwargs: Any) -> None:
        sentence = gettext_lazy(
            "Write a whole number of hours, 1 to 8784, e.g. 26 for a task of every night; or leave "
            "it blank."
        )
        super().__init__(
            required=False,
            min_value=1,
            max_value=MAX_HOURS,
            widget=forms.TextInput(attrs={"inputmode": "numeric"}),
            error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), sentence),
            **kwargs,
        )


class TagsField(forms.CharField):
    """Tags with commas between them; one that is known in another spelling keeps that."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return read_tags(typed, known_tags() if typed else ())
        except TagsError as error:
            raise ValidationError(str(error)) from error
