"""The demo as a newcomer starts it, with its own processes, database and folder."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from exports.demo.account import Account
from tests.processes import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def told_by_the_demo(folder: Path) -> str:
    ports = ["--port", str(free_port()), "--connectwise-port", str(free_port())]
    settings = {"DJANGO_SETTINGS_MODULE": "cwexport.settings", "CWEXPORT_DATA_DIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--once", *ports],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            message, _nothing = process.communicate(timeout=120)
        except BaseException:
            process.send_signal(signal.SIGTERM)
            raise
    assert process.returncode == 0
    return message


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def message(folder: Path) -> str:
    return told_by_the_demo(folder)


def test_address_and_login_come_first(message: str) -> None:
    assert re.findall(
        r"^ *(Dashboard|Login|Password|Run 1|XML|Batches|SHA-256)\b", message, re.M
    ) == [
        "Dashboard",
        "Login",
        "Password",
        "Run 1",
        "XML",
        "Batches",
        "SHA-256",
    ]
    assert re.search(r"Dashboard: +http://127\.0\.0\.1:\d+/ \(stops after the export\)\n", message)


def test_each_step_is_told(message: str) -> None:
    steps = ("Making the database", "Collecting", "Starting web server")
    places = [message.index(step) for step in steps]

    assert places == sorted(places)


def test_needs_of_second_connection_are_printed(message: str) -> None:
    account = Account()
    lines = dict(re.findall(r"^  ([A-Z][^:]*): +(.*)$", message, re.M))

    assert lines["Site"].startswith("http://127.0.0.1:")
    assert (lines["Company"], lines["Public Key"], lines["Private Key"], lines["Client ID"]) == (
        account.company,
        account.public_key,
        account.private_key,
        account.client_id,
    )


@pytest.mark.usefixtures("message")
def test_the_connection_of_the_demo_is_tested(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "demo" / "cwexport.sqlite3")) as database:
        [(steps,)] = database.execute("SELECT last_test_steps FROM exports_connection")

    assert [step["outcome"] for step in json.loads(steps)] == ["passed"] * 4 + ["warning", "passed"]
