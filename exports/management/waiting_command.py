"""What `run_task` and `run_workflow` share: they start something and wait for its end.

Standard output holds one line of JSON alone; messages for people go to standard error.
"""

import sys
from typing import Final, NoReturn, TypeVar

from django.core.management.base import BaseCommand

from exports.configuration.known_names import nearest
from exports.models import Task, Workflow
from exports.workers.start_checks import StartError, check_start
from exports.workers.tuning import tune_process

SUCCEEDED: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2
SUSPICIOUS: Final = 3

Named = TypeVar("Named", Task, Workflow)


class WaitingCommand(BaseCommand):
    """Its exit code says how what it started has ended."""

    def run_from_argv(self, argv: list[str]) -> None:
        tune_process()
        super().run_from_argv(argv)

    def check_start(self) -> None:
        """Refuse to start on a database or a folder that cannot be used."""
        try:
            for sentence in check_start():
                self.stderr.write(sentence)
        except StartError as error:
            self.refuse(str(error))

    def named(self, model: type[Named], name: str, unknown: str) -> Named:
        """The row of that name; without one, refuses with `unknown` and the nearest name."""
        row = model.objects.filter(name=name).first()
        if row is not None:
            return row
        known = model.objects.filter(archived_at=None).order_by("name")
        self.refuse(f"{unknown} {nearest(name, list(known.values_list('name', flat=True)))}")

    def refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(UNUSABLE)
