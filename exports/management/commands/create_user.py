from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from exports.access.roles import Role
from exports.management.public_links import printed_link
from exports.models import OneTimeLink
from exports.models.joining import is_name_taken
from exports.models.one_time_links import invite


class Command(BaseCommand):
    help = _("Invites a user and prints the one-time link by which they choose a password.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("the user name"))
        parser.add_argument(
            "--role",
            choices=Role.values,
            default=Role.VIEWER.value,
            help=_("what they may do (default: viewer)"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["name"]
        _check_name(name)
        # An earlier invitation of this name would be a second way to it.
        OneTimeLink.objects.invitations().filter(user_name__iexact=name).order_by().revoke()
        _link, token = invite(Role(options["role"]), "create_user", user_name=name)
        self.stdout.write(printed_link(token))
        self.stderr.write(
            _("%(name)s opens this link within 7 days and chooses a password.") % {"name": name}
        )


def _check_name(name: str) -> None:
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    if is_name_taken(name):
        sentence = _(
            "%(name)s is a user already. `manage.py changepassword %(name)s` sets a new password."
        )
        raise CommandError(sentence % {"name": name})
