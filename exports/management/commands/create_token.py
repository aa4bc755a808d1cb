"""`manage.py create_token USER --scope run`: make a token for programs and print it (rule I2)."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from exports.models import ApiToken
from exports.models.api_tokens import DEFAULT_DAYS, MAX_DAYS
from exports.outside_numbers import read_id


class Command(BaseCommand):
    help = _("Make a token for programs that use the API. The token is the last word printed.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help=_("The user name the token acts for."))
        parser.add_argument(
            "--scope",
            required=True,
            choices=ApiToken.Scope.values,
            help=_(
                "read: see and download; run: also run, cancel, resume and deliver again; admin: "
                "also pause and resume schedules. Never more than the user may."
            ),
        )
        parser.add_argument(
            "--name",
            default="create_token",
            type=_name,
            help=_("What it is for, as lists and the audit log show it."),
        )
        parser.add_argument(
            "--days",
            default=DEFAULT_DAYS,
            type=_days,
            help=_("How long it is valid: 1 to %(most)s days, by default %(days)s.")
            % {"most": MAX_DAYS, "days": DEFAULT_DAYS},
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            message = _("There is no active user %(user)s.")
            raise CommandError(message % {"user": options["user"]}, returncode=2)
        token, text = ApiToken.objects.issue(
            user, options["name"], options["scope"], options["days"]
        )
        message = _("Token of %(user)s, scope %(scope)s, valid until %(day)s, shown only now:")
        params = {
            "user": user.get_username(),
            "scope": token.scope,
            "day": f"{token.expires_at:%Y-%m-%d}",
        }
        self.stdout.write(f"{message % params} {text}")


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise ArgumentTypeError(_("write a name of 1 to 100 characters"))
    return name


def _days(text: str) -> int:
    days = read_id(text)
    if days is None or days > MAX_DAYS:
        message = _("write a whole number from 1 to %(most)s")
        raise ArgumentTypeError(message % {"most": MAX_DAYS})
    return days
