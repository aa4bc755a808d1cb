"""The passphrase of a backup: from a file or from the settings, never from the command line."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _


def add_passphrase_file(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help=_("its first line is the passphrase (else CWEXPORT_BACKUP_PASSPHRASE, if set)"),
    )


def read_passphrase(file: str | None) -> str:
    """Raises CommandError; "" without one."""
    if file is None:
        text: str = settings.CWEXPORT_BACKUP_PASSPHRASE
        return text
    try:
        with Path(file).open(encoding="utf-8") as stream:
            passphrase = stream.readline(10_000).strip()
    except (OSError, UnicodeDecodeError) as error:
        message = _("The file with the passphrase, %(file)s, cannot be read: %(reason)s.")
        raise CommandError(message % {"file": file, "reason": error}) from None
    if not passphrase:
        message = _("The first line of %(file)s is empty: write the passphrase there.")
        raise CommandError(message % {"file": file})
    return passphrase
