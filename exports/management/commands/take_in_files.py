"""`manage.py take_in_files`: the batches of unknown files into the ledger, after a restore (B4)."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from exports.backups.taking_in import take_all_in
from exports.backups.unknown_files import unknown_files


class Command(BaseCommand):
    help = _(
        "After a restore: takes the batches of files that the database does not know into the "
        "ledger, so that no run exports them again. No date moves and no file is touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=_("name the files, change nothing")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for file in unknown_files():
                params = {
                    "file": file.path,
                    "task": file.task_name or "?",
                    "count": "?" if file.batch_count is None else file.batch_count,
                }
                self.stdout.write(_("%(file)s: %(count)s batches of %(task)s") % params)
            return
        done = take_all_in()
        params = {"files": done.file_count, "batches": done.batch_count}
        self.stdout.write(_("Taken in: %(files)s files with %(batches)s batches.") % params)
        for sentence in done.refused:
            self.stderr.write(sentence)
        if done.refused:
            sys.exit(1)
