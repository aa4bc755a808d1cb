"""The units for systemd: commands that exist, nothing writable but the data folder."""

import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.deploy.commands import DEPLOY, ROOT, options_of, settings_read

UNITS = DEPLOY / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
# Where the units expect the program.
_PLACE = "/opt/cwexport"
_HARDENING = {
    "CapabilityBoundingSet": "",
    "NoNewPrivileges": "true",
    "PrivateDevices": "true",
    "PrivateTmp": "true",
    "ProtectHome": "true",
    "ProtectSystem": "strict",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "true",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
}


def read_unit(name: str) -> dict[str, list[str]]:
    """Each directive with its values; systemd lets one come several times."""
    values: dict[str, list[str]] = defaultdict(list)
    for line in (UNITS / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values[key].append(value)
    return values


@pytest.mark.parametrize("name", SERVICES)
def test_unit_starts_a_command_that_exists(name: str) -> None:
    unit = read_unit(name)
    [command] = unit["ExecStart"]
    python, program, *arguments = shlex.split(command)

    assert python == f"{_PLACE}/.venv/bin/python"
    assert unit["WorkingDirectory"] == [_PLACE]
    assert (ROOT / program).is_file()
    assert options_of(arguments)
    assert unit["User"] == ["cwexport"]


def test_units_are_for_web_worker_and_both() -> None:
    started = {name: " ".join(read_unit(name)["ExecStart"][0].split()[2:]) for name in SERVICES}

    assert started == {
        "cwexport.service": "serve",
        "cwexport-web.service": "serve --workers 0",
        "cwexport-worker@.service": "worker",
        "cwexport-backup.service": "backup /var/backups/cwexport/",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_unit_may_write_only_its_own_folder(name: str) -> None:
    unit = read_unit(name)

    for directive, value in _HARDENING.items():
        assert unit[directive] == [value], directive
    for variable in unit["Environment"]:
        assert variable.partition("=")[0] in settings_read()
    assert unit["StateDirectory"] == ["cwexport"]
    assert unit["Environment"] == ["CWEXPORT_DATA_DIR=/var/lib/cwexport"]


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd: apt install systemd"
)
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in UNITS.iterdir():
        text = path.read_text().replace(f"{_PLACE}/.venv/bin/python", sys.executable)
        (tmp_path / path.name.replace("@", "@1")).write_text(text.replace(_PLACE, str(ROOT)))
    units = sorted(str(path) for path in tmp_path.iterdir())

    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )

    assert len(units) == 5
    # Of other units on this machine it may say more.
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if "cwexport" in line] == []
