"""`manage.py emergency_login NAME`: a way in when password, second factor or provider is lost."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.models.emergency_logins import LIFETIME, issue_emergency_login


class Command(BaseCommand):
    help = _(
        "Print a link that logs a user in once, without password and second factor, within 15 "
        "minutes. It is the way in when single sign-on fails or a second factor is lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("the user name"))
        parser.add_argument(
            "--url",
            default=settings.CWEXPORT_PUBLIC_URL or "http://127.0.0.1:8000",
            help=_("the address at which you reach this installation (default: %(default)s)"),
        )

    def handle(self, *args: Any, name: str, url: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(
                _("There is no user %(name)s. “manage.py createsuperuser” makes an admin.")
                % {"name": name}
            )
        if not user.is_active:
            raise CommandError(
                _("%(name)s is deactivated: let another admin activate it.") % {"name": name}
            )
        path = reverse("emergency-login", kwargs={"token": issue_emergency_login(user)})
        path = path.removeprefix(settings.FORCE_SCRIPT_NAME or "")
        minutes = int(LIFETIME.total_seconds() // 60)
        self.stderr.write(
            _("Open this link within %(minutes)s minutes; it works once, for %(name)s:")
            % {"minutes": minutes, "name": name}
        )
        self.stdout.write(f"{url.rstrip('/')}{path}")
