from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from exports.workers import worker


class Command(BaseCommand):
    help = _("Takes queued runs and executes them, until Ctrl-C. `serve` starts workers by itself.")

    def handle(self, *args: Any, **options: Any) -> None:
        worker.work(lambda: self.stdout.write(_("The worker waits for runs.")))
