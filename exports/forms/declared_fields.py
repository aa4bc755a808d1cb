"""The inputs for what a kind of destination declares: text, a number, a choice, yes or no."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from exports.forms.widget_styles import css_class
from exports.kind_modules import FormField


def declared_field(declared: FormField, value: Any, *, is_new: bool) -> forms.Field:
    """The input of one field; `is_new`: nothing is stored yet that could be kept."""
    field = _FIELDS[declared.type](declared)
    field.label, field.help_text = declared.label, declared.help_text
    field.required = declared.is_required and (is_new or not declared.is_secret)
    field.initial = value
    if declared.is_secret:
        field.initial = ""
        field.help_text = _secret_help(declared, is_new=is_new)
    if declared.required_sentence:
        field.error_messages["required"] = declared.required_sentence
    field.widget.attrs["class"] = css_class(field.widget)
    if not isinstance(field.widget, forms.CheckboxInput | forms.Select):
        field.widget.attrs |= {
            "autocapitalize": "off",
            "autocomplete": "new-password" if declared.is_secret else "off",
            "spellcheck": "false",
        }
    return field


class _SecretLines(forms.Textarea):
    """Several lines that are never sent back to a browser."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, "", attrs)


def _secret_help(declared: FormField, *, is_new: bool) -> str:
    if is_new:
        return " ".join([str(declared.help_text), _("Stored encrypted, never shown again.")])
    kept = _("Leave all secret fields blank to keep what is stored; typing one replaces them all.")
    return " ".join([str(declared.help_text), kept])


def _text(declared: FormField) -> forms.Field:
    widget = forms.PasswordInput() if declared.is_secret else forms.TextInput()
    field = forms.CharField(max_length=declared.max_length, widget=widget)
    field.validators.append(_check_visible)
    return field


def _lines(declared: FormField) -> forms.Field:
    rows = {"rows": 4}
    widget = _SecretLines(attrs=rows) if declared.is_secret else forms.Textarea(attrs=rows)
    return forms.CharField(max_length=declared.max_length, widget=widget)


def _number(declared: FormField) -> forms.Field:
    # A number input would drop text that is no number; a text input keeps it.
    return forms.CharField(max_length=12, widget=forms.TextInput(attrs={"inputmode": "numeric"}))


def _choice(declared: FormField) -> forms.Field:
    return forms.ChoiceField(choices=declared.choices)


def _yes(declared: FormField) -> forms.Field:
    return forms.BooleanField(required=False)


def _check_visible(text: str) -> None:
    if not text.isprintable():
        raise ValidationError(
            _("This holds invisible characters, as happens when copying: type or copy it anew.")
        )


_FIELDS = {"text": _text, "lines": _lines, "number": _number, "choice": _choice, "yes": _yes}
