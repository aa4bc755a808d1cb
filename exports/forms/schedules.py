"""The form of a schedule (rules S1, S4, S5, S8)."""

from datetime import datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import available_timezones

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.forms.edit_conflicts import EditedRowForm
from exports.forms.schedule_choice import (
    DAY_CHOICES,
    Often,
    choice_of,
    cron_text,
    typed_parts,
)
from exports.forms.widget_styles import css_class
from exports.models import Schedule, Task, Workflow
from exports.models.audited import recording_changes
from exports.models.schedules import LONGEST_GRACE, installation_zone
from exports.reporting.task_choices import GroupedSelect
from exports.schedules import cron
from exports.schedules.planning import save_planned
from exports.schedules.words import in_words

SHOWN_TIMES: Final = 5
FIRST_TIME: Final = "06:30"
_GRACE = gettext_lazy("Write the minutes as a whole number from 1 to %(most)s, e.g. 30.")
_STORED: Final = ("cron", "zone", "catch_up", "grace_minutes", "is_paused")


class _TargetField(forms.ChoiceField):
    """By its key, or by the label that stands for it."""

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value)).strip()
        listed: Any = self.choices
        groups = [each for each in listed if isinstance(each[1], list | tuple)]
        keys = {label: key for _group, members in reversed(groups) for key, label in members}
        return text if self.valid_value(text) else keys.get(text, text)


class ScheduleForm(EditedRowForm):
    """How often as a simple choice or as cron text; the cron text is what is stored.

    Save an existing schedule with its row locked.
    """

    target = _TargetField(
        label=gettext_lazy("What runs"),
        widget=GroupedSelect,
        error_messages={
            "required": gettext_lazy("Choose the task or workflow to run."),
            "invalid_choice": gettext_lazy("This is no longer there. Choose another."),
        },
    )
    often = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=Often.choices,
        initial=Often.DAILY,
        error_messages={"invalid_choice": gettext_lazy("Choose how often.")},
    )
    every = forms.CharField(label=gettext_lazy("Minutes"), required=False, initial="15")
    minute = forms.CharField(label=gettext_lazy("Minute of the hour"), required=False, initial="0")
    weekday = forms.ChoiceField(
        label=gettext_lazy("Day"),
        required=False,
        choices=DAY_CHOICES,
        error_messages={"invalid_choice": gettext_lazy("Choose a day of the week.")},
    )
    time = forms.CharField(
        label=gettext_lazy("Time of day"),
        required=False,
        initial=FIRST_TIME,
        help_text=gettext_lazy("From 00:00 to 23:59, in the time zone below."),
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron text"),
        required=False,
        help_text=gettext_lazy(
            "Five fields: minute, hour, day of the month, month, day of the week. L is the last "
            "day, 1W the first weekday of the month, MON#1 its first Monday."
        ),
    )
    zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("The clock it follows, daylight saving included."),
        error_messages={"required": gettext_lazy("Name a time zone, e.g. Europe/Berlin.")},
    )
    grace_minutes = forms.IntegerField(
        label=gettext_lazy("Grace in minutes"),
        min_value=1,
        max_value=LONGEST_GRACE,
        initial=30,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy(
            "How long after a due time the export may take to succeed. After that it counts as "
            "missed, and those who asked to be told are told."
        ),
    )

    class Meta:
        model = Schedule
        fields = _STORED
        error_messages = {
            "catch_up": dict.fromkeys(
                ("required", "invalid_choice"), gettext_lazy("Choose one of the two.")
            )
        }
        help_texts = {
            "catch_up": gettext_lazy(
                "What happens to times at which no worker was alive. It never runs more than once."
            ),
            "is_paused": gettext_lazy("It is not due until it is resumed."),
        }

    def __init__(self, data: Any = None, *, instance: Schedule | None = None, **options: Any):
        initial = {"zone": installation_zone(), "target": options.pop("target", "")}
        if instance is not None:
            initial = {"target": key_of(instance), **choice_of(instance.cron)}
        super().__init__(data, instance=instance, initial=initial, **options)
        self.fields["target"].choices = _targets(instance)  # type: ignore[attr-defined]
        message = _GRACE % {"most": LONGEST_GRACE}
        problems = ("required", "invalid", "min_value", "max_value")
        self.fields["grace_minutes"].error_messages |= dict.fromkeys(problems, message)
        self._prepare_widgets()
        self.helper = _helper()

    def stored_values(self) -> dict[str, Any]:
        values = {name: getattr(self.instance, name) for name in _STORED}
        return {"target": key_of(self.instance), **values}

    def typed(self, name: str) -> Any:
        if name != "cron" or self.is_text():
            return super().typed(name)
        try:
            return self._written()
        except ValidationError:
            return ""

    def differs(self, name: str, value: Any) -> bool:
        if name == "cron":
            return bool(str(self.typed(name)).upper().split() != str(value).split())
        return super().differs(name, value)

    def put(self, data: Any, name: str, value: Any) -> None:
        if name == "cron":
            data.update({self.add_prefix(part): text for part, text in choice_of(value).items()})
        else:
            super().put(data, name, value)

    def text_of(self, name: str, value: Any) -> str:
        if name == "cron" and value:
            return str(value)
        return super().text_of(name, value)

    def label_of(self, name: str) -> str:
        return _("How often") if name == "cron" else super().label_of(name)

    def add_conflict(self, name: str, sentence: str) -> None:
        is_hidden = name == "cron" and not self.is_text()
        super().add_conflict("often" if is_hidden else name, sentence)

    def is_text(self) -> bool:
        return bool(super().typed("often") == Often.TEXT)

    def clean_zone(self) -> str:
        try:
            return cron.zone_named(self.cleaned_data["zone"]).key
        except cron.CronError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "often" not in self.errors:
            self._clean_cron(cleaned)
        if kind_and_key := cleaned.get("target"):
            kind, _colon, key = kind_and_key.partition(":")
            is_task = kind == "task"
            self.instance.task_id = int(key) if is_task else None
            self.instance.workflow_id = None if is_task else int(key)
        return cleaned

    def _clean_cron(self, cleaned: dict[str, Any]) -> None:
        if self.is_text():
            self.errors.pop("cron", None)
        try:
            cleaned["cron"] = cron.parse(self._written()).text
        except ValidationError as error:
            self.add_error(None, error)
        except cron.CronError as error:
            self.add_error("cron" if self.is_text() else "often", str(error))

    def is_valid(self) -> bool:
        valid = super().is_valid()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True
        return valid

    def save_for(self, editor: str, now: datetime) -> Schedule:
        """Save and plan: it never fires for a time that has passed (S5)."""
        if self._before is None or any(
            self.differs(name, value) for name, value in self._before.items()
        ):
            self.instance.sign(editor)
        schedule: Schedule = self.save(commit=False)
        with recording_changes(schedule):
            save_planned(schedule, now)
        return schedule

    def outlook(self, now: datetime) -> dict[str, Any]:
        """What the typed text means: the text, its words and next times; or the problem."""
        if problem := self._problem():
            return {"problem": problem}
        if self.is_bound:
            text, name = self.cleaned_data["cron"], self.cleaned_data["zone"]
        else:
            text = self.instance.cron or cron_text(Often.DAILY, {"time": FIRST_TIME})
            name = self.instance.zone or installation_zone()
        try:
            zone, parsed = cron.zone_named(name), cron.parse(text)
        except cron.CronError as error:
            return {"problem": str(error)}
        times = [at.astimezone(zone) for at in islice(parsed.due_times(zone, now), SHOWN_TIMES)]
        return {"text": parsed.text, "words": in_words(parsed), "times": times, "zone": zone.key}

    def _problem(self) -> str:
        names = ("often", "every", "minute", "weekday", "time", "cron", "zone")
        return next((str(self.errors[name][0]) for name in names if name in self.errors), "")

    def _written(self) -> str:
        """The cron text of what was typed. Raises ValidationError by field."""
        often = str(super().typed("often"))
        return cron_text(often, typed_parts(often, super().typed))

    def _prepare_widgets(self) -> None:
        for field in self.fields.values():
            field.widget.attrs["class"] = css_class(field.widget)
            # A maxlength would silently cut pasted text.
            field.widget.attrs.pop("maxlength", None)
        as_typed = {"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}
        for name in ("cron", "zone", "time", "every", "minute"):
            self.fields[name].widget.attrs |= as_typed
        self.fields["zone"].widget.attrs["list"] = "zones"


def zone_names() -> list[str]:
    """For the suggestions of the field."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def key_of(schedule: Schedule) -> str:
    if schedule.task_id is not None:
        return f"task:{schedule.task_id}"
    return f"workflow:{schedule.workflow_id}"


def _targets(schedule: Schedule | None) -> list[Any]:
    """Tasks and workflows that may be chosen; the present one stays even when archived."""
    own = schedule or Schedule()
    groups: list[Any] = [("", _("Choose what runs"))]
    for label, kind, rows, key in (
        (_("Tasks"), "task", Task.objects, own.task_id),
        (_("Workflows"), "workflow", Workflow.objects, own.workflow_id),
    ):
        offered = rows.filter(Q(archived_at=None) | Q(pk=key or 0)).order_by("name")
        found = [(f"{kind}:{pk}", name) for pk, name in offered.values_list("pk", "name")]
        if found:
            groups.append((label, found))
    return groups


def _helper() -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.field_template = "exports/forms/_field.html"
    when = ("often", "every", "minute", "weekday", "time", "cron", "zone")
    helper.layout = Layout(
        "opened_with",
        "target",
        Div(*when, css_class="schedule-when"),
        HTML('{% include "exports/schedules/_outlook_place.html" %}'),
        "catch_up",
        "grace_minutes",
        "is_paused",
    )
    return helper
