"""The documented production settings pass Django's deployment checks."""

import subprocess
import sys
from pathlib import Path

from tests.management.installation import own_environment
from tests.processes import ROOT


def test_deployment_check_has_no_warning(tmp_path: Path) -> None:
    production = {"ALLOWED_HOSTS": "cw.example.com", "CWEXPORT_BEHIND_HTTPS": "true"}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=own_environment(str(tmp_path), **production),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout
