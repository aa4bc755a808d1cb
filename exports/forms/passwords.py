"""Password rules, and the form to change a password."""

from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

_FEWEST_CHARACTERS = 5


class VariedPasswordValidator:
    """Refuses passwords such as `aaaaaaaaaaaa`: long, but in no list of common ones."""

    def validate(self, password: str, user: object = None) -> None:
        if len(set(password)) < _FEWEST_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_not_varied")

    def get_help_text(self) -> str:
        sentence = _("Your password must hold at least %(count)s different characters.")
        return sentence % {"count": _FEWEST_CHARACTERS}


class ChangePasswordForm(PasswordChangeForm):
    """Wrong old passwords count as at login, so an open session does not allow guessing."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            code = "password_incorrect"
            raise ValidationError(self.error_messages[code], code=code)
        return old
