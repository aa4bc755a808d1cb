"""Which style each kind of input has."""

from django import forms


def css_class(widget: forms.Widget) -> str:
    # A list of check boxes is a RadioSelect to Django.
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"
