import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from exports.models.users import set_password

_TRIES = 3


class Command(changepassword.Command):
    """As Django's own; sessions end and the audit log has an entry, as on the pages (A4, L1)."""

    def handle(self, *args: Any, **options: Any) -> str:
        name = options["username"] or getpass.getuser()
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(_("There is no user %(name)s.") % {"name": name})
        for _try in range(_TRIES):
            password = self._typed(user)
            if password:
                set_password(user, password)
                return _("%(name)s has a new password; all sessions are ended.") % {"name": name}
        raise CommandError(_("Nothing was changed."))

    def _typed(self, user: User) -> str:
        """The password, typed twice alike and good enough; else "", and why is told."""
        first = getpass.getpass(prompt=_("Password: "))
        if first != getpass.getpass(prompt=_("Password, once more: ")):
            self.stderr.write(_("The two passwords differ: type the same twice."))
            return ""
        try:
            validate_password(first, user)
        except ValidationError as error:
            self.stderr.write("\n".join(error.messages))
            return ""
        return first
