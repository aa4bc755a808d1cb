"""`manage.py rotate_keys`: encrypts private keys again with the first encryption key (rule C3)."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from exports.models import Connection, SecretUnreadableError


class Command(BaseCommand):
    help = _(
        "Encrypt the private key of every connection with the first key in "
        "CWEXPORT_ENCRYPTION_KEYS, so that the others can be taken out of it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sentences: list[str] = []
        problems: list[str] = []
        with transaction.atomic():
            for connection in Connection.objects.select_for_update().order_by("name"):
                try:
                    connection.rotate_private_key()
                except SecretUnreadableError as error:
                    problems.append(str(error))
                else:
                    message = _("%(connection)s: encrypted with the first encryption key.")
                    sentences.append(message % {"connection": connection})
            if problems:
                transaction.set_rollback(True)
        if problems:
            for problem in problems:
                self.stderr.write(problem)
            self.stderr.write(_("Nothing was changed."))
            sys.exit(1)
        for sentence in sentences or [_("There are no connections.")]:
            self.stdout.write(sentence)
