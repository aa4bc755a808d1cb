"""How `serve` treats programs that end by themselves."""

import subprocess
import sys
from pathlib import Path

from exports.workers.supervisor import _Child
from tests.management.installation import free_port, own_environment
from tests.processes import ROOT

# Serves with short pauses and without workers.
SCRIPT = """
import django; django.setup()
from exports.workers import supervisor
supervisor._FIRST_PAUSE = supervisor._LONGEST_PAUSE = 0.01
try:
    serving = supervisor.Serving(bind="127.0.0.1", port={port}, worker_count=0)
    serving.start()
    serving.watch(print)
except supervisor.WebServerEndedError as error:
    print("ENDED:", error)
"""
# Python imports this module at its start, in every process of the test.
BROKEN_WEB = """
import os, sys
if "exports.workers.web_server" in sys.orig_argv:
    print("The disk is on fire.", file=sys.stderr, flush=True)
    os._exit(7)
"""


def test_serve_ends_when_web_server_never_starts(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN_WEB)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(port=free_port())],
        cwd=ROOT,
        env=own_environment(
            tmp_path / "var",
            PYTHONPATH=str(tmp_path),
            DJANGO_SETTINGS_MODULE="cwexport.settings",
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "exports.workers.web_server ended at its start (7), 4 times in a row" in done.stdout
    assert "ENDED: The web server ended at its start (7) 5 times in a row." in done.stdout
    assert done.stderr.count("The disk is on fire.") == 5


def test_pause_before_a_restart_grows_and_is_forgotten() -> None:
    child = _Child(["manage.py", "worker"])
    pauses = []
    for number in range(8):
        child.started_at = number * 100.0
        pauses.append(child.count_end(now=number * 100.0 + 1))
    child.started_at = 1_000.0

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert child.count_end(now=5_000.0) == 2
