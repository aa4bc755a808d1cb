from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.models.users import end_sessions


class Command(BaseCommand):
    help = _("Ends every session of a user: they have to log in again.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("the user name"))

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["name"]
        try:
            user = User.objects.get(username=name)
        except User.DoesNotExist:
            sentence = _("There is no user %(name)s; names are case-sensitive.")
            raise CommandError(sentence % {"name": name}) from None
        count = end_sessions(user)
        sentence = ngettext("%(count)s session was ended.", "%(count)s sessions were ended.", count)
        self.stdout.write(sentence % {"count": count})
