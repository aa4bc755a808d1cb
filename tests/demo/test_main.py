"""`python -m exports.demo` as a person or a script starts it."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from exports.demo.server import StandIn
from exports.demo.store import Store

ROOT = Path(__file__).parents[2]


def _start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "exports.demo", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_prints_address_and_stops_cleanly(number: signal.Signals) -> None:
    with _start("--port", "0", "--batches", "12") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            r"The stand-in ConnectWise has 12 batches at (http://127\.0\.0\.1:\d+)\n", line
        )
        assert found, line
        with urllib.request.urlopen(f"{found[1]}/login/companyinfo/demo", timeout=60) as reply:
            assert reply.status == 200
        process.send_signal(number)
        assert process.communicate(timeout=120) == ("", "")
        assert process.returncode == 0


def test_taken_port_exits_with_2() -> None:
    with StandIn(Store()) as stand_in, _start("--port", str(stand_in.port)) as process:
        assert process.communicate(timeout=120) == (
            "",
            f"Port {stand_in.port} is taken by another program. Choose another one with --port.\n",
        )
        assert process.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "65536"], "a port is a number from 0 to 65535, not '65536'"),
        (["--batches", "-1"], "a whole number from 0 is needed, not '-1'"),
        (["--latency", "soon"], "seconds from 0 to 3600 are needed, not 'soon'"),
        (["--latency", "nan"], "seconds from 0 to 3600 are needed, not 'nan'"),
        (["--port", "0", "--tls", "no.pem", "no.key"], "The stand-in cannot start: "),
    ],
)
def test_unusable_arguments_exit_with_2(arguments: list[str], sentence: str) -> None:
    with _start(*arguments) as process:
        output, errors = process.communicate(timeout=120)
    assert (output, process.returncode) == ("", 2)
    assert sentence in errors
    assert "Traceback" not in errors
