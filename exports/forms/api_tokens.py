"""The form of a new token: what it is for, what it may do, how long."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from exports.access.roles import ROLE_OF_SCOPE, Role
from exports.models import ApiToken
from exports.models.api_tokens import DEFAULT_DAYS, MAX_DAYS

_DAYS = (7, 30, DEFAULT_DAYS, 180, MAX_DAYS)


class ApiTokenForm(forms.Form):
    """Offers the scopes that the person's own role covers."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("The program it is for; runs and the audit log show it."),
        error_messages={"required": gettext_lazy("Type what it is for, e.g. nightly import.")},
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("Scope"),
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        initial=ApiToken.Scope.READ,
        help_text=gettext_lazy("Never more than you may yourself, now or later."),
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Valid for"),
        coerce=int,
        initial=DEFAULT_DAYS,
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(self, *args: Any, role: Role | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            (scope.value, scope.label)
            for scope in ApiToken.Scope
            if role is not None and role.includes(ROLE_OF_SCOPE[scope.value])
        ]
        self.fields["days"].choices = [(days, _days(days)) for days in _DAYS]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError(_("Use only letters, digits and signs."))
        return name


def _days(days: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
