"""`manage.py load_config FILE`: connections and tasks from a YAML file, all of it or nothing."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from exports import configuration
from exports.configuration import Loaded, Outcome, Problem


class Command(BaseCommand):
    help = (
        "Create and change connections and tasks as a YAML file describes them. What the file "
        "does not name is left alone; nothing changes when any part of it is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="The YAML file to load.")
        parser.add_argument(
            "--check", action="store_true", help="Show what would change, and change nothing."
        )
        parser.add_argument(
            "--set-dates",
            action="store_true",
            help="Also set Date Created and Date Modified of tasks that are there already.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            self.stderr.write(f"{name} cannot be read: {error.strerror}.")
            sys.exit(1)
        try:
            # Settings are read in settings.py alone. Which variables hold private keys only the
            # file says, so they are looked up here, where the file is known.
            loaded = configuration.load(
                configuration.read(content),
                os.environ,
                sets_dates=options["set_dates"],
                is_check=options["check"],
            )
        except configuration.ConfigurationError as error:
            self._tell_problems(name, error.problems)
            sys.exit(1)
        self._tell(name, loaded, is_check=options["check"])

    def _tell_problems(self, name: str, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            self.stderr.write(f"{name}:{problem.line}: {problem.sentence}")
        self.stderr.write("Nothing was changed.")

    def _tell(self, name: str, loaded: Loaded, *, is_check: bool) -> None:
        for warning in loaded.warnings:
            self.stderr.write(f"{name}:{warning.line}: Warning: {warning.sentence}")
        for outcome in loaded.outcomes:
            verb = _verb(outcome, is_check=is_check)
            self.stdout.write(f"{outcome.kind} {outcome.name}: {verb}")
            for change in outcome.changes:
                self.stdout.write(f"  {change}")
        if not loaded.outcomes:
            self.stdout.write("The file names no connections and no tasks.")


def _verb(outcome: Outcome, *, is_check: bool) -> str:
    if outcome.is_new:
        return "would be created" if is_check else "created"
    if outcome.changes:
        return "would be changed" if is_check else "changed"
    return "unchanged"
