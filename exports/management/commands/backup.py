"""`manage.py backup FILE`: database, files and keys in one archive, while the product runs (B1)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from exports import clock
from exports.backups.errors import BackupError
from exports.backups.making import Made, Wanted, make_backup
from exports.backups.restoring import verify
from exports.backups.sealing import check_passphrase
from exports.management.passphrases import add_passphrase_file, read_passphrase
from exports.number_formats import utc_text

_NAMED = 10


class Command(BaseCommand):
    help = _(
        "Makes a backup while everything runs: the database, the files of its runs and, encrypted "
        "or with --with-keys, the keys. `manage.py restore FILE` restores it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            help=_("the archive to write; in a folder, a name with the time is made"),
        )
        parser.add_argument(
            "--without-files", action="store_true", help=_("leave out the files of runs")
        )
        keys = parser.add_mutually_exclusive_group()
        keys.add_argument(
            "--with-keys",
            action="store_true",
            help=_("with the keys, though the backup is not encrypted: keep it locked away"),
        )
        keys.add_argument(
            "--without-keys", action="store_true", help=_("leave out the keys in any case")
        )
        parser.add_argument(
            "--verify",
            action="store_true",
            help=_("make none: read this one and compare all hashes"),
        )
        add_passphrase_file(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        passphrase = read_passphrase(options["passphrase_file"])
        try:
            if options["verify"]:
                self._verify(Path(options["file"]), passphrase)
            else:
                self._make(Path(options["file"]), _wanted(options, passphrase))
        except BackupError as error:
            raise CommandError(str(error)) from None

    def _make(self, target: Path, wanted: Wanted) -> None:
        if target.is_dir():
            target = target / f"cwexport-{clock.now():%Y%m%dT%H%M%SZ}.backup"
        made = make_backup(target.absolute(), wanted, self.stdout.write)
        self._print_problems(made)
        params = {
            "file": target,
            "time": utc_text(made.made_at),
            "size": filesizeformat(made.size),
            "count": made.run_file_count,
        }
        self.stdout.write(_("%(file)s: %(size)s, as of %(time)s, with %(count)s files.") % params)
        self.stdout.write(_needs(wanted))

    def _print_problems(self, made: Made) -> None:
        if made.missing:
            message = _(
                "%(count)s files that runs name are not in the data folder, and so not in the "
                "backup (pruned meanwhile, or of another host): %(files)s"
            )
            self.stderr.write(message % _some(made.missing))
        if made.changed:
            message = _(
                "%(count)s files are not what their runs wrote, and are in the backup as they are "
                "now: %(files)s"
            )
            self.stderr.write(message % _some(made.changed))

    def _verify(self, file: Path, passphrase: str) -> None:
        content = verify(file, passphrase)
        message = _("%(file)s is whole: %(count)s members, as of %(time)s, version %(version)s.")
        params = {
            "file": file,
            "count": len(content.members),
            "time": content.about["made_at"],
            "version": content.about["product"]["version"],
        }
        self.stdout.write(message % params)
        if content.missing:
            message = _("%(count)s files were missing when it was made: %(files)s")
            self.stdout.write(message % _some(content.missing))


def _wanted(options: dict[str, Any], passphrase: str) -> Wanted:
    if passphrase:
        check_passphrase(passphrase)
    return Wanted(
        with_files=not options["without_files"],
        # Whoever gets hold of keys and database can read the private keys of all connections.
        with_keys=options["with_keys"] or (bool(passphrase) and not options["without_keys"]),
        passphrase=passphrase,
    )


def _some(names: list[str]) -> dict[str, object]:
    more = ", …" if len(names) > _NAMED else ""
    return {"count": len(names), "files": ", ".join(names[:_NAMED]) + more}


def _needs(wanted: Wanted) -> str:
    """What a restore will need besides the archive."""
    if wanted.passphrase and wanted.with_keys:
        return _(
            "It is encrypted and holds the keys: a restore needs the passphrase and nothing else. "
            "Keep that apart from it; without it nobody can read the backup."
        )
    if wanted.passphrase:
        return _(
            "It is encrypted, without the keys: a restore needs the passphrase and "
            "CWEXPORT_ENCRYPTION_KEYS (or encryption_keys of the data folder). Without those the "
            "secrets of connections, destinations and channels have to be typed again."
        )
    if wanted.with_keys:
        return _(
            "It is not encrypted and holds the keys: whoever reads it has the private keys of all "
            "connections. Keep it locked away, or name a passphrase."
        )
    return _(
        "It is not encrypted, so the keys are not in it: a restore needs CWEXPORT_ENCRYPTION_KEYS "
        "(or encryption_keys of the data folder) too. Without those the secrets of connections, "
        "destinations and channels have to be typed again. With a passphrase the keys are in it."
    )
