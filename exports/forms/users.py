"""The forms of users: whom to invite, as what, and what an invited person chooses."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.access.roles import Role
from exports.models import OneTimeLink
from exports.models.joining import NameTakenError, is_name_taken

_LONGEST_NAME = 150
_ROLES = (
    (Role.VIEWER, gettext_lazy("Viewer: sees everything and downloads files")),
    (Role.OPERATOR, gettext_lazy("Operator: also runs, cancels, previews and exports again")),
    (Role.ADMIN, gettext_lazy("Admin: also changes tasks, connections, settings and users")),
)


class RoleForm(forms.Form):
    """A choice among the roles, each with what it may do."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=_ROLES,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        initial=Role.VIEWER,
    )


class InviteForm(RoleForm):
    """Whom to invite: by an e-mail address, or by the user name that the person will have."""

    person = forms.CharField(
        label=gettext_lazy("E-mail address or user name"),
        max_length=_LONGEST_NAME,
        help_text=gettext_lazy(
            "With an address, the person chooses a user name; otherwise this one is used."
        ),
        error_messages={
            "required": gettext_lazy("Type an address such as alex@example.com, or a user name.")
        },
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "autocapitalize": "none"}
        ),
    )
    field_order = ("person", "role")

    def clean_person(self) -> str:
        typed: str = self.cleaned_data["person"].strip()
        if "@" in typed:
            _check_address(typed)
        else:
            UnicodeUsernameValidator()(typed)
        if is_name_taken(typed) or User.objects.filter(email__iexact=typed).exists():
            sentence = _("%(person)s is a user already; see the list of users.")
            raise ValidationError(sentence % {"person": typed})
        invited = OneTimeLink.objects.invitations()
        if invited.filter(user_name__iexact=typed).exists() or (
            "@" in typed and invited.filter(email__iexact=typed).exists()
        ):
            sentence = _("%(person)s is invited already: make a new link in the list of users.")
            raise ValidationError(sentence % {"person": typed})
        return typed

    def recipient(self) -> dict[str, str]:
        """Whom the link is for, as the columns of its row."""
        person = self.cleaned_data["person"]
        return {"email": person} if "@" in person else {"user_name": person}


class ChooseForm(forms.Form):
    """What a person chooses who opens a one-time link: a password, and a user name if needed."""

    user_name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=_LONGEST_NAME,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html(),
    )
    password_again = forms.CharField(
        label=gettext_lazy("Password, once more"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, link: OneTimeLink, data: Any = None) -> None:
        super().__init__(data)
        self._link = link
        if name := self.known_name:
            # Shown, so that a password store remembers it with the password.
            self.fields["user_name"].initial = name
            self.fields["user_name"].disabled = True

    @property
    def known_name(self) -> str:
        return self._link.user.get_username() if self._link.user else self._link.user_name

    def clean_user_name(self) -> str:
        name: str = self.cleaned_data["user_name"]
        if self._link.user is None and is_name_taken(name):
            raise ValidationError(str(NameTakenError(name)))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password", "")
        if not password:
            return cleaned
        if cleaned.get("password_again") and cleaned["password_again"] != password:
            self.add_error("password_again", _("The two passwords differ: type the same twice."))
        user = self._link.user or User(
            username=cleaned.get("user_name", ""), email=self._link.email
        )
        try:
            password_validation.validate_password(password, user)
        except ValidationError as error:
            self.add_error("password", error)
        return cleaned


def _check_address(typed: str) -> None:
    try:
        validate_email(typed)
    except ValidationError:
        sentence = _("%(address)s is no mail address: write it as name@example.com.")
        raise ValidationError(sentence % {"address": typed}) from None
