"""The form of the login."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext as _


class SignInForm(AuthenticationForm):
    """The framework's, in the words of its page; what was refused is mostly the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.non_field_errors():
            self.fields["username"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True
