"""Commands of manage.py as the files under deploy/ name them."""

import re
from collections.abc import Sequence
from pathlib import Path

from django.core.management import load_command_class

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def options_of(arguments: Sequence[str]) -> dict[str, object]:
    """What the command reads from them; fails for a command or an option that is not there."""
    name, *options = map(str, arguments)
    parser = load_command_class("exports", name).create_parser("manage.py", name)
    return vars(parser.parse_args(options))


def settings_read() -> set[str]:
    """The settings of this product; README.md is held against them elsewhere."""
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("##")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
