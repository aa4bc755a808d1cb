"""Starts a sample installation in its own process and knows its address."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.sample.serving import ROOT, served

USER, PASSWORD = "accountant", "correct horse battery staple"
# Logins besides USER, who is an admin: one for each other role, and one that has none.
ROLES = {"viewer": "viewer", "operator": "operator", "newcomer": None}
# Has a second factor, and the same password.
CAUTIOUS = "cautious"
# Variables that a real installation on this machine may have set.
_FOREIGN = {
    "ALLOWED_HOSTS",
    "CONNECTWISE_CLIENT_ID",
    "CWEXPORT_BEHIND_HTTPS",
    "CWEXPORT_CA_FILE",
    "CWEXPORT_ENCRYPTION_KEYS",
    "DATABASE_URL",
    "DEBUG",
    "SECRET_KEY",
}


@dataclass(frozen=True)
class SampleInstallation:
    """Two running installations, one with data and one without.

    `keys`: the primary keys of its rows by name, as in `records.py`.
    """

    url: str
    empty_url: str
    keys: Mapping[str, int]
    folder: Path

    @contextmanager
    def in_german(self) -> Iterator[str]:
        """The one with data once more, beside it and in German; yields its address."""
        with served(
            self.folder / "var", {**_environment(self.folder), "CWEXPORT_LANGUAGE": "de"}
        ) as url:
            yield url


@contextmanager
def running_sample(
    folder: Path, *, day_count: int, stand_in_port: int = 0, is_calm: bool = False
) -> Iterator[SampleInstallation]:
    """A sample installation in `folder` with days of history, until the `with` block ends.

    A calm one ends on an ordinary evening, without waiting, active or archived tasks.
    """
    command = [sys.executable, "-m", "tests.browser.sample", str(folder)]
    command += ["--days", str(day_count), "--stand-in-port", str(stand_in_port)]
    command += ["--calm"] if is_calm else []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        params = process.stdout.readline()
        if not params:
            raise RuntimeError("The sample could not be built; its own words stand above.")
        yield SampleInstallation(**json.loads(params), folder=folder)
        # It stops when its input ends.
        process.stdin.close()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name not in _FOREIGN}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "tests.browser.sample.settings",
        "CWEXPORT_DATA_DIR": str(folder / "var"),
        "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CWEXPORT_ALLOW_HTTP": "true",
        "TIME_ZONE": "UTC",
    }
