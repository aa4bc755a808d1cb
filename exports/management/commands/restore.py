"""`manage.py restore FILE`: a backup into an empty place, all of it or nothing (rule B2)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from exports import clock
from exports.backups.errors import BackupError
from exports.backups.restoring import Restored, finish, restore
from exports.management.command_user import command_user
from exports.management.passphrases import add_passphrase_file, read_passphrase
from exports.models import Installation
from exports.storage.belonging import database_name
from exports.workers.queues.chosen import queue_engine
from exports.workers.queues.engine import QueueError
from exports.workers.start_checks import unreadable_keys


class Command(BaseCommand):
    help = _(
        "Restores a backup into an empty data folder and database, verified first. Nothing starts "
        "by itself afterwards until an administrator has looked at Settings > Backups."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", nargs="?", help=_("the backup"))
        parser.add_argument(
            "--keep-files",
            action="store_true",
            help=_("the data folder holds files of later runs: keep them, set aside as unknown"),
        )
        parser.add_argument(
            "--finish", action="store_true", help=_("finish a restore that was interrupted")
        )
        parser.add_argument(
            "--go-on",
            action="store_true",
            help=_("as “Go on from here” on Settings > Backups: schedules start runs again"),
        )
        add_passphrase_file(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["finish"]:
            done = finish()
            self._empty_queue()
            self.stdout.write(_("The restore is finished.") if done else _("There is none open."))
            return
        if options["go_on"]:
            self._go_on()
            return
        if options["file"] is None:
            raise CommandError(_("Name the backup to restore."))
        passphrase = read_passphrase(options["passphrase_file"])
        try:
            restored = restore(
                Path(options["file"]),
                passphrase,
                keeps_files=options["keep_files"],
                tell=self.stdout.write,
            )
        except BackupError as error:
            raise CommandError(str(error)) from None
        self._empty_queue()
        self._print(restored)

    def _empty_queue(self) -> None:
        """What stands in it are numbers of runs of another time."""
        try:
            queue_engine().forget_all()
        except QueueError as error:
            # Such a number makes no worker execute anything.
            self.stderr.write(str(error))

    def _go_on(self) -> None:
        if Installation.objects.confirm_restore(command_user(), clock.now()):
            self.stdout.write(_("Schedules, workflows and programs start runs again."))
        else:
            self.stdout.write(_("Nothing is held back."))

    def _print(self, restored: Restored) -> None:
        params = {"time": restored.about["made_at"], "database": database_name()}
        self.stdout.write(_("Restored: the backup of %(time)s, into %(database)s.") % params)
        if restored.missing:
            message = _("%(count)s files of runs were missing when it was made.")
            self.stdout.write(message % {"count": len(restored.missing)})
        for sentence in unreadable_keys():
            self.stderr.write(sentence)
        self.stdout.write(
            _(
                "Everybody is logged out; users, roles and passwords are those of the backup. "
                "Runs, deliveries and messages that were open in it are closed, not repeated. "
                "Schedules and workflows start nothing until an administrator has pressed “Go on "
                "from here” on Settings > Backups: what was exported since the backup would go "
                "out again. Next: manage.py serve"
            )
        )
