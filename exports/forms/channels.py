"""The form of a channel: its kind's fields, and what it is told about (rules N1, N2)."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.forms.edit_conflicts import EditedRowForm
from exports.forms.widget_styles import css_class
from exports.kind_modules import FormField
from exports.models import Channel, Task
from exports.models.audited import recording_changes
from exports.models.codes import EventCode
from exports.notifications.kind import ChannelKind

# Subscribed by default: what a person must see to, and the good news after it.
CODES: Final = [(code.value, code.label) for code in EventCode if code != EventCode.REPORT]
_ALL: Final = "all"
_SCOPES: Final = (
    (_ALL, gettext_lazy("All tasks and workflows")),
    ("chosen", gettext_lazy("Only the chosen tasks, and workflows with one of them")),
)


class ChannelForm(EditedRowForm):
    """Fields of the kind are named `kind_…`; secrets go in and never come out."""

    codes = forms.MultipleChoiceField(
        label=gettext_lazy("Tell about"),
        choices=CODES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": gettext_lazy("Choose at least one event, or disable the channel.")
        },
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("Of which tasks"), choices=_SCOPES, widget=forms.RadioSelect
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"))

    class Meta:
        model = Channel
        fields = ("name", "language", "is_enabled", "tasks")
        widgets = {"tasks": forms.CheckboxSelectMultiple}
        labels = {"tasks": gettext_lazy("Tasks")}
        help_texts = {
            "name": gettext_lazy("What this channel is called here, e.g. Accounting."),
            "is_enabled": gettext_lazy("A disabled channel is told nothing."),
        }
        error_messages = {
            "name": {
                "unique": gettext_lazy(
                    "There is another channel with this name: choose a different one."
                ),
                "required": gettext_lazy("Give the channel a name, e.g. Accounting."),
            },
        }

    def __init__(self, kind: ChannelKind, *args: Any, is_page: bool = True, **kwargs: Any) -> None:
        """`is_page`: a refused form goes back to a browser, without the typed secrets."""
        self.kind = kind
        self._is_page = is_page
        super().__init__(*args, **kwargs)
        self._is_new = self.instance.pk is None
        self._stored_settings = dict(self.instance.settings)
        languages = settings.CWEXPORT_MESSAGE_LANGUAGES
        self.fields["language"].choices = [  # type: ignore[attr-defined]
            (code, name) for code, (_locale, name) in languages.items()
        ]
        for one in kind.fields:
            self.fields[_key(one)] = self._field(one)
        tasks = Task.objects.filter(archived_at=None).order_by("name")
        self.fields["tasks"].queryset = tasks  # type: ignore[attr-defined]
        self.fields["tasks"].required = False
        self._set_initial()
        self._prepare_widgets()

    def stored_values(self) -> dict[str, Any]:
        """The stored values; of secrets only a hash, to see that they were replaced."""
        row = self.instance
        token = hashlib.sha256(row.secrets_token.encode()).hexdigest()[:16]
        values = {
            _key(one): token if one.is_secret else row.settings.get(one.name, "")
            for one in self.kind.fields
        }
        return {
            **values,
            "name": row.name,
            "language": row.language,
            "is_enabled": row.is_enabled,
            "scope": _ALL if row.is_for_all else "chosen",
            "codes": sorted(row.subscribed_codes()),
            "tasks": sorted(str(pk) for pk in row.tasks.values_list("pk", flat=True)),
        }

    def typed(self, name: str) -> Any:
        value = super().typed(name)
        return sorted(value or []) if name in ("codes", "tasks") else value

    def differs(self, name: str, value: Any) -> bool:
        field = self._kind_field(name)
        if field and field.is_secret:
            return bool(self.typed(name))
        if name in ("codes", "tasks"):
            return bool(self.typed(name) != value)
        if field and field.type == "lines":
            return bool(_lines(self.typed(name)) != _lines(value))
        return super().differs(name, value)

    def put(self, data: Any, name: str, value: Any) -> None:
        if name in ("codes", "tasks"):
            data.setlist(name, value)
        elif not ((field := self._kind_field(name)) and field.is_secret):
            super().put(data, name, value)

    def text_of(self, name: str, value: Any) -> str:
        field = self._kind_field(name)
        if field and field.is_secret:
            return ""
        if name in ("codes", "tasks"):
            names = {str(key): str(label) for key, label in self.fields[name].choices}  # type: ignore[attr-defined]
            return ", ".join(names.get(str(one), str(one)) for one in value) or _("nothing")
        return super().text_of(name, value)

    def add_conflict(self, name: str, sentence: str) -> None:
        field = self._kind_field(name)
        if field and field.is_secret:
            sentence = _(
                "%(who)s replaced it meanwhile. Type yours again to store it instead, or leave it "
                "blank to keep the new one."
            ) % {"who": self.editor or _("Somebody else")}
        super().add_conflict(name, sentence)

    def full_clean(self) -> None:
        """Validate; a page never sends a typed secret back, so any error asks for it again."""
        super().full_clean()
        if not self.is_bound or not self.errors:
            return
        first = next((name for name in self.fields if name in self.errors), None)
        for one in self.kind.fields if self._is_page else ():
            is_typed = one.is_secret and self.data.get(_key(one), "").strip()
            if is_typed and _key(one) not in self.errors:
                message = _(
                    "Nothing is wrong with it, but a secret is never sent back to a browser: "
                    "please type it once more."
                )
                self.add_error(_key(one), message)
        if first:
            self.fields[first].widget.attrs["autofocus"] = True

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(_("A name is plain text on one line: type it anew."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("scope") == "chosen" and not cleaned.get("tasks") and "tasks" in cleaned:
            self.add_error("tasks", _("Choose at least one task, or all of them."))
        self._ask_for_secrets()
        return cleaned

    def save_for(self, user: Any) -> Channel:
        """Store it with its subscriptions; what waited for it is tried anew."""
        self.sign(user)
        with recording_changes(self.instance):
            return self.store()

    def store(self) -> Channel:
        channel: Channel = self.instance
        cleaned = self.cleaned_data
        channel.kind = self.kind.code
        channel.is_for_all = cleaned["scope"] == _ALL
        channel.settings = {
            one.name: cleaned[_key(one)] for one in self.kind.fields if not one.is_secret
        }
        typed = {
            one.name: cleaned[_key(one)]
            for one in self.kind.fields
            if one.is_secret and cleaned[_key(one)]
        }
        is_changed = bool(typed) or channel.settings != self._stored_settings
        if typed:
            kept = {} if len(typed) == len(self.kind.secret_names) else channel.read_secrets()
            channel.write_secrets(kept | typed)
        if is_changed:
            channel.last_tested_at, channel.last_test_steps = None, []
        channel.save()
        channel.tasks.set(cleaned["tasks"])
        channel.subscribe(cleaned["codes"])
        if is_changed and not self._is_new:
            channel.mend()
        return channel

    def kind_names(self) -> list[str]:
        return [_key(one) for one in self.kind.fields]

    def changed_bound(self) -> list[FormField]:
        """The changed fields after which the secrets must be typed again (C5)."""
        return [
            one
            for one in self.kind.fields
            if one.is_bound
            and _key(one) in self.cleaned_data
            and self.cleaned_data[_key(one)] != self._stored_settings.get(one.name, "")
        ]

    def _ask_for_secrets(self) -> None:
        changed = [] if self._is_new else self.changed_bound()
        for one in self.kind.fields:
            if changed and one.is_secret and self.cleaned_data.get(_key(one)) == "":
                labels = ", ".join(str(each.label) for each in changed)
                message = _(
                    "Type it again, as these changed: %(labels)s. The stored one only belongs to "
                    "what it was saved with."
                )
                self.add_error(_key(one), message % {"labels": labels})

    def _field(self, one: FormField) -> forms.Field:
        help_text: Any = one.help_text
        widget: forms.Widget = forms.TextInput()
        if one.is_secret:
            widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            if not self._is_new:
                help_text = _("Leave it blank to keep the stored one. It is never shown.")
        elif one.type == "lines":
            widget = forms.Textarea(attrs={"rows": 3})
        widget.attrs |= {"autocapitalize": "off", "spellcheck": "false"}
        field = forms.CharField(
            label=one.label,
            help_text=help_text,
            required=one.is_required and (self._is_new or not one.is_secret),
            max_length=one.max_length,
            widget=widget,
            error_messages={"required": one.required_sentence} if one.required_sentence else None,
        )
        # A maxlength would silently cut pasted text.
        widget.attrs.pop("maxlength", None)
        field.clean = _cleaning(field, one)  # type: ignore[method-assign, assignment]
        return field

    def _kind_field(self, name: str) -> FormField | None:
        return next((one for one in self.kind.fields if _key(one) == name), None)

    def _set_initial(self) -> None:
        if self._is_new:
            self.initial.setdefault("codes", [code for code, _label in CODES])
            self.initial.setdefault("scope", _ALL)
            self.initial.setdefault("language", settings.CWEXPORT_LANGUAGE)
            return
        stored = self.stored_values()
        secrets = {_key(one) for one in self.kind.fields if one.is_secret}
        self.initial.update({name: stored[name] for name in stored if name not in secrets})

    def _prepare_widgets(self) -> None:
        for field in self.fields.values():
            field.widget.attrs["class"] = css_class(field.widget)


def _key(one: FormField) -> str:
    return f"kind_{one.name}"


def _cleaning(field: forms.Field, one: FormField) -> Callable[[Any], str]:
    plain = field.clean

    def clean(value: Any) -> str:
        text: str = plain(value) or ""
        if not text:
            return ""
        try:
            return one.clean(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return clean


def _lines(text: Any) -> list[str]:
    return [line.strip() for line in str(text or "").splitlines() if line.strip()]
