"""Passwords: what they must be like, and changing one."""

from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

_FEWEST_CHARACTERS = 5


class VariedPasswordValidator:
    """Refuses `aaaaaaaaaaaa`, which is long and in no list."""

    def validate(self, password: str, user: object = None) -> None:
        if len(set(password)) < _FEWEST_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_not_varied")

    def get_help_text(self) -> str:
        sentence = _("Your password must hold at least %(count)s different characters.")
        return sentence % {"count": _FEWEST_CHARACTERS}


class ChangePasswordForm(PasswordChangeForm):
    """Wrong old passwords count like those of a login: a session left open is no way to guess."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            code = "password_incorrect"
            raise ValidationError(self.error_messages[code], code=code)
        return old
