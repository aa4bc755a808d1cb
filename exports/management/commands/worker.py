from typing import Any

from django.core.management.base import BaseCommand

from exports import worker


class Command(BaseCommand):
    help = "Takes queued runs and executes them, until Ctrl-C. `serve` starts workers by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("The worker waits for runs.")
        worker.work()
