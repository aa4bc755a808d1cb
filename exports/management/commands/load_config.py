"""`manage.py load_config FILE`: connections and tasks from a YAML file, all of it or nothing."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports import configuration
from exports.configuration import Loaded, Outcome, Problem

_KINDS = {
    "connection": gettext_noop("connection"),
    "task": gettext_noop("task"),
    "workflow": gettext_noop("workflow"),
    "channel": gettext_noop("channel"),
    "destination": gettext_noop("destination"),
    "schedule": gettext_noop("schedule"),
}


class Command(BaseCommand):
    help = _(
        "Create and change connections, tasks and workflows as a YAML file describes them. What it "
        "does not name is left alone; nothing changes when any part of it is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help=_("The YAML file to load."))
        parser.add_argument(
            "--check", action="store_true", help=_("Show what would change, and change nothing.")
        )
        parser.add_argument(
            "--set-dates",
            action="store_true",
            help=_("Also set Date Created and Date Modified of tasks that are there already."),
        )

        parser.add_argument(
            "--allow-variable",
            action="append",
            default=[],
            metavar="NAME",
            help=_(
                "Also read private keys from this environment variable. Without it only names "
                "that begin with CWEXPORT_KEY_ are read. May be given several times."
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        try:
            with Path(name).open("rb") as stream:
                content = stream.read(configuration.MAX_BYTES + 1)
        except OSError as error:
            message = _("%(file)s cannot be read: %(reason)s.")
            self.stderr.write(message % {"file": name, "reason": error.strerror})
            sys.exit(1)
        try:
            # Only cwexport/settings reads settings. But the file names the variables that hold
            # private keys, so they are looked up here.
            loaded = configuration.load(
                configuration.read(content),
                os.environ,
                sets_dates=options["set_dates"],
                is_check=options["check"],
                allowed_variables=options["allow_variable"],
            )
        except configuration.ConfigurationError as error:
            self._print_problems(name, error.problems)
            sys.exit(1)
        self._print(name, loaded, is_check=options["check"])

    def _print_problems(self, name: str, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            self.stderr.write(f"{name}:{problem.line}: {problem.sentence}")
        self.stderr.write(_("Nothing was changed."))

    def _print(self, name: str, loaded: Loaded, *, is_check: bool) -> None:
        for warning in loaded.warnings:
            params = _("Warning: %(sentence)s") % {"sentence": warning.sentence}
            self.stderr.write(f"{name}:{warning.line}: {params}")
        for outcome in loaded.outcomes:
            kind = _(_KINDS[outcome.kind])
            self.stdout.write(f"{kind} {outcome.name}: {_verb(outcome, is_check=is_check)}")
            for change in outcome.changes:
                self.stdout.write(f"  {change}")
        if not loaded.outcomes:
            self.stdout.write(_("The file names no connections, tasks or workflows."))


def _verb(outcome: Outcome, *, is_check: bool) -> str:
    if outcome.is_new:
        return _("would be created") if is_check else _("created")
    if outcome.changes:
        return _("would be changed") if is_check else _("changed")
    return _("unchanged")
