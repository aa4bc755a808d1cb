"""The form on the page of a run."""

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
