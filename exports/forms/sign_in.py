"""The login form."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext as _


class SignInForm(AuthenticationForm):
    """Django's form with our labels; after an error the focus goes to the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.non_field_errors():
            self.fields["username"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True
