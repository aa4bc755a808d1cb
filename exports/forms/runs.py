"""The forms on the page of a run."""

from django import forms
from django.utils.translation import gettext_lazy


class AcceptCountForm(forms.Form):
    """The reason why fewer batches than before are right."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy(
                "Say why the count is right, e.g. Batches of 2019 were deleted on purpose."
            )
        },
    )


class MarkForm(forms.Form):
    """A note beside a mark."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={
            "max_length": gettext_lazy("The note is too long: 200 characters at most."),
            "null_characters_not_allowed": gettext_lazy(
                "The note holds a NUL character, which no text has. Type it anew, or paste it from "
                "a text editor."
            ),
        },
    )
