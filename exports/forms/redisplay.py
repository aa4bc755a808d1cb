"""A form that shows what was typed into it before, unchecked."""

from typing import Any

from django import forms


def redisplay(form: forms.BaseForm, data: Any) -> None:
    for name, field in form.fields.items():
        form.initial[name] = field.widget.value_from_datadict(data, {}, form.add_prefix(name))
