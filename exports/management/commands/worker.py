import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from exports.logs.output import output_of
from exports.workers import worker
from exports.workers.start_checks import StartError, check_start


class Command(BaseCommand):
    help = _("Takes queued runs and executes them, until Ctrl-C. `serve` starts workers by itself.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout = output_of(self.stdout, logging.INFO)
        self.stderr = output_of(self.stderr, logging.WARNING)
        try:
            for sentence in check_start():
                self.stderr.write(sentence)
        except StartError as error:
            raise CommandError(str(error)) from None
        worker.work(lambda: self.stdout.write(_("The worker waits for runs.")))
