"""A task's two dates: how they are typed, shown and checked."""

import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter.literals import (
    LiteralError,
    NoSuchMomentError,
    parse,
    shown,
)
from exports.forms.task_layout import HELP, dates_helper
from exports.forms.utc_input import EXAMPLE, LastClose, UtcInput, canonical
from exports.models import RunSummary, Task
from exports.models.audit_actions import AuditAction
from exports.models.audited import recording_changes

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    TaskModelForm = forms.ModelForm[Task]
else:
    TaskModelForm = forms.ModelForm

DATES = ("date_created", "date_modified")


class UtcField(forms.Field):
    """Accepts `2020-01-01T00:00:00Z`, an offset, a blank instead of the T, or the day alone.

    It uses the date grammar of the conditions, so that dates are written the same way everywhere.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UtcInput)
        super().__init__(**kwargs)
        self.error_messages["required"] = format_lazy(
            gettext_lazy("A date is needed, e.g. {example}."), example=EXAMPLE
        )

    def prepare_value(self, value: Any) -> Any:
        return canonical(value) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        if not (text := (value or "").strip()):
            return None
        problem = _("%(typed)s is not a date from 1753 to 9998 in ISO 8601 format.")
        problem %= {"typed": shown(text)}
        try:
            moment = datetime.fromisoformat(parse(f"[{text}]", FieldType.DATETIME).sent[1:-1])
            # In the last year, converting to the zone of a page could overflow.
            if moment.year < 9999:
                return moment
        except NoSuchMomentError as error:
            problem = error.about(shown(text))
        except LiteralError:
            pass
        advice = _("Write year, month and day, then the time in UTC, e.g. %(example)s.")
        raise ValidationError(f"{problem} {advice % {'example': EXAMPLE}}")


def last_close_of(task: Task | None) -> LastClose | None:
    """The task's newest run with batches, and when it started."""
    if task is None or task.pk is None:
        return None
    runs = RunSummary.objects.filter(task=task, batch_count__gt=0).exclude(trigger="reexport")
    last = runs.exclude(started_at=None).order_by("-pk").values_list("pk", "started_at").first()
    return (last[0], last[1]) if last and last[1] else None


def offer_last_close(form: forms.BaseForm, last_close: LastClose | None) -> None:
    """Offer its start beside each of the dates."""
    for name in DATES:
        widget = form.fields[name].widget
        if isinstance(widget, UtcInput):
            widget.last_close = last_close


def shown_values(task: Task) -> dict[str, Any]:
    """The initial values of a DatedForm's hidden fields."""
    return {f"{name}_shown": getattr(task, name) for name in DATES}


class DatedForm(TaskModelForm):
    """A form with a task's dates (rule W8); `before` is the task as stored."""

    date_created = UtcField(label=gettext_lazy("Date Created"))
    date_modified = UtcField(label=gettext_lazy("Date Modified"))
    # What the page showed: a date counts as typed only if it differs.
    date_created_shown = UtcField(required=False, widget=forms.HiddenInput)
    date_modified_shown = UtcField(required=False, widget=forms.HiddenInput)
    date_reason = forms.CharField(
        label=gettext_lazy("Reason for a new date"), required=False, max_length=200
    )

    before: Task | None

    def save_typed(self, user: Any) -> Task:
        """Save the task and the history of its typed dates together."""
        with transaction.atomic():
            task = self.save()
            task.record_typed_dates(self.before, user, self.cleaned_data["date_reason"])
        return task

    def given_reason(self) -> dict[str, Any]:
        """For the audit log."""
        reason = self.cleaned_data["date_reason"]
        return {"reason": [None, reason]} if reason else {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.before is not None:
            for name in DATES:
                self._settle(name, self.before)
        return cleaned

    def _settle(self, name: str, before: Task) -> None:
        """Keep a date that was not typed; refuse one that cannot be set now."""
        now: datetime = getattr(before, name)
        typed: datetime | None = self.cleaned_data.get(name)
        seen: datetime | None = self.cleaned_data.get(f"{name}_shown")
        if typed is None:
            return
        label = self.fields[name].label
        if typed in (seen, now):
            self.cleaned_data[name] = now
        elif active := before.active_run():
            message = _(
                "%(date)s cannot be changed while %(run)s is active. Wait for it to end or cancel "
                "it, then save again."
            )
            self.add_error(name, message % {"date": label, "run": active})
        elif seen is not None and seen != now:
            # The error shows the new date, so saving once more is deliberate.
            data = cast(QueryDict, self.data).copy()
            data[f"{name}_shown"] = canonical(now)
            self.data = data
            message = _(
                "%(who)s moved %(date)s to %(now)s while this form showed %(seen)s. Save again to "
                "set it to %(typed)s, or write %(now)s to keep it."
            )
            moments = {"now": canonical(now), "seen": canonical(seen), "typed": canonical(typed)}
            self.add_error(name, message % {"who": _mover(before, name), "date": label, **moments})


def _mover(task: Task, name: str) -> str:
    """Who or what moved a date last; undoing a change counts too."""
    changes = task.date_changes.filter(field=name)
    moved = changes.order_by("-id").first()
    undone = changes.exclude(undone_at=None).order_by("-undone_at").first()
    if undone and moved and undone.undone_at and undone.undone_at >= moved.changed_at:
        return str(undone.undone_by or _("Somebody else"))
    if moved is None or moved.run_id is not None:
        return _("A run")
    return str(moved.changed_by or _("Somebody else"))


class DatesForm(DatedForm):
    """The dates alone, on the task's page. The caller must lock `task` before saving."""

    class Meta:
        model = Task
        fields = DATES

    def __init__(self, task: Task, data: Any = None) -> None:
        self.before = copy.copy(task)
        super().__init__(data, instance=task, initial=shown_values(task))
        for name, field in self.fields.items():
            field.help_text = HELP.get(name, "")
            field.widget.attrs["class"] = "form-control"
        self.helper = dates_helper()

    def save_typed(self, user: Any) -> Task:
        reason = self.given_reason()
        with recording_changes(self.instance, action=AuditAction.DATES_SET, details=reason):
            return super().save_typed(user)

    def is_valid(self) -> bool:
        valid = super().is_valid()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True
        return valid
