"""`manage.py rotate_keys`: encrypts private keys again with the first encryption key (rule C3)."""

import sys
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from exports.models import (
    AuditAction,
    Channel,
    ChannelSecretError,
    Connection,
    Destination,
    DestinationSecretsError,
    SecretUnreadableError,
    record_action,
)
from exports.sign_in.factors import rotate_factors


class Command(BaseCommand):
    help = _(
        "Encrypt the secrets of every connection, destination, channel and second factor with the "
        "first key in CWEXPORT_ENCRYPTION_KEYS, so that the others can be taken out of it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sentences: list[str] = []
        problems: list[str] = []
        with transaction.atomic():
            for connection in Connection.objects.select_for_update(no_key=True).order_by("name"):
                try:
                    connection.rotate_private_key()
                except SecretUnreadableError as error:
                    problems.append(str(error))
                else:
                    message = _("%(connection)s: encrypted with the first encryption key.")
                    sentences.append(message % {"connection": connection})
            secret = Destination.objects.select_for_update(no_key=True).exclude(secrets_token="")
            for destination in secret.order_by("name"):
                try:
                    destination.rotate_secrets()
                except DestinationSecretsError as error:
                    problems.append(str(error))
                else:
                    message = _("%(connection)s: encrypted with the first encryption key.")
                    sentences.append(message % {"connection": destination})
            for channel in Channel.objects.select_for_update(no_key=True).exclude(secrets_token=""):
                try:
                    channel.rotate_secrets()
                except ChannelSecretError as error:
                    problems.append(str(error))
                else:
                    message = _("%(connection)s: encrypted with the first encryption key.")
                    sentences.append(message % {"connection": channel})
            try:
                if rotate_factors():
                    sentences.append(_("Second factors: encrypted with the first encryption key."))
            except InvalidToken:
                problems.append(
                    _(
                        "A second factor cannot be decrypted: none of the keys is the one it was "
                        "made with."
                    )
                )
            record_action(AuditAction.SECRETS_ROTATED)
            if problems:
                transaction.set_rollback(True)
        if problems:
            for problem in problems:
                self.stderr.write(problem)
            self.stderr.write(_("Nothing was changed."))
            sys.exit(1)
        for sentence in sentences or [_("There are no connections.")]:
            self.stdout.write(sentence)
