"""Shows a form again with the values typed before, not validated."""

from collections.abc import Container
from typing import Any

from django import forms


def redisplay(form: forms.BaseForm, data: Any, *, except_for: Container[str] = ()) -> None:
    """`except_for` names the fields that keep their initial values."""
    for name, field in form.fields.items():
        if name in except_for:
            continue
        form.initial[name] = field.widget.value_from_datadict(data, {}, form.add_prefix(name))
