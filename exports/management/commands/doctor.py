import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from exports.reporting.doctor import Finding, State, examine

_SIGNS = {State.FINE: "ok", State.NOTICE: "!", State.WRONG: "WRONG"}


class Command(BaseCommand):
    help = _(
        "Looks at each part of this installation, from this host, and says what is wrong and what "
        "to do. Ends with 1 when something is."
    )
    # It tells what is wrong with the database itself.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("one JSON object, for programs"))

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        is_well = all(one.state != State.WRONG for one in findings)
        if options["json"]:
            told = {"ok": is_well, "findings": [asdict(one) for one in findings]}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        else:
            self._print(findings)
        if not is_well:
            raise SystemExit(1)

    def _print(self, findings: list[Finding]) -> None:
        for one in findings:
            self.stdout.write(f"{_SIGNS[one.state]:<6}{one.part:<12}{one.sentence}")
