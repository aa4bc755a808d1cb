"""`manage.py dump_config [FILE]`: connections and tasks as the YAML that load_config reads."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from exports import configuration


class Command(BaseCommand):
    help = _(
        "Write all connections and tasks as YAML. Private keys are never written: each "
        "connection names the environment variable that load_config takes its key from."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", nargs="?", help=_("The file to write; without it, the screen.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text = configuration.current_configuration()
        name: str | None = options["file"]
        if name is None:
            self.stdout.write(text, ending="")
            return
        try:
            Path(name).write_text(text, encoding="utf-8")
        except OSError as error:
            message = _("%(file)s cannot be written: %(reason)s.")
            self.stderr.write(message % {"file": name, "reason": error.strerror})
            sys.exit(1)
