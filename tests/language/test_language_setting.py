"""CWEXPORT_LANGUAGE: one language for everybody, read once."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.messages import ROOT

PROGRAM = """
import json
import django
django.setup()
from django.conf import settings
from django.utils.translation import gettext
from exports.connectwise.language import grouped
print(json.dumps([settings.LANGUAGE_CODE, grouped(12345), gettext("Yes")]))
"""


def started(folder: Path, language: str | None) -> "subprocess.CompletedProcess[str]":
    """A process that reads the settings with this language, or with none set."""
    left = {name: text for name, text in os.environ.items() if name != "CWEXPORT_LANGUAGE"}
    asked = {} if language is None else {"CWEXPORT_LANGUAGE": language}
    environment = {"DJANGO_SETTINGS_MODULE": "cwexport.settings", "CWEXPORT_DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=left | environment | asked,
        capture_output=True,
        text=True,
        check=False,
    )


def test_english_is_spoken_unless_german_is_set(tmp_path: Path) -> None:
    spoken = {name: json.loads(started(tmp_path, name).stdout) for name in (None, "en", " DE ")}

    assert spoken == {
        None: ["en-gb", "12,345", "Yes"],
        "en": ["en-gb", "12,345", "Yes"],
        " DE ": ["de", "12.345", "Ja"],
    }


def test_unknown_language_refuses_to_start(tmp_path: Path) -> None:
    ended = started(tmp_path, "xx")

    assert ended.returncode != 0
    assert "CWEXPORT_LANGUAGE is 'xx': write en for English" in ended.stderr
