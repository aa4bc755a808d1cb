"""Commands of Django that would change users, history or audit log past all rules (rule L1)."""

import sys

from django.core.management.base import BaseCommand


class RefusedOnCommandLine(BaseCommand):
    """A command that is refused when a person types it; Django's own tests call it otherwise."""

    def run_from_argv(self, argv: list[str]) -> None:
        self.stderr.write(self.sentence())
        sys.exit(1)

    def sentence(self) -> str:
        """What to do instead."""
        raise NotImplementedError
