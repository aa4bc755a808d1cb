"""Packages of production: each has a usable licence and stands in the bill of materials."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from tests.supply_chain.__main__ import main
from tests.supply_chain.packages import asked_for, licences, needs_of, pinned, vendored

# None of them asks for the source of a product that only uses the package.
USABLE = {
    *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "ZPL-2.1"),
    *("MPL-2.0", "LGPL-2.1-or-later", "LGPL-3.0-only"),
}
NAMES = sorted({package.name for package in pinned()})


def test_every_package_has_a_usable_licence() -> None:
    listed = licences()

    assert sorted(listed) == sorted([*NAMES, *vendored()])
    used = {word for text in listed.values() for word in re.split(r" (?:AND|OR) ", text)}
    assert used <= USABLE


def test_stated_licences_are_those_listed() -> None:
    stated = {}
    for name in NAMES:
        try:
            stated[name] = metadata.metadata(name).get("License-Expression")
        except metadata.PackageNotFoundError:
            continue  # only installed on another system
    listed = licences()
    # This one has an old spelling.
    stated.pop("paramiko")

    found = {name: text for name, text in stated.items() if text}
    assert len(found) > 20
    assert found == {name: listed[name] for name in found}


def test_every_package_is_asked_for_and_hashed() -> None:
    reached, waiting = set[str](), sorted(asked_for())
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += sorted(needs_of(name))

    elsewhere = {package.name for package in pinned() if "win32" in package.marker}
    assert set(NAMES) - elsewhere <= reached
    assert all(package.hashes for package in pinned())


def test_bill_of_materials_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "bill.json"
    assert main([str(target)]) == 0

    bill = json.loads(target.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {one["name"] for one in bill["components"]} == {*NAMES, *vendored()}
    assert all(one["licenses"] for one in bill["components"])
    assert "pytest" not in target.read_text()
    assert "components" in capsys.readouterr().out
