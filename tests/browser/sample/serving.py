"""Serves a data folder of the sample by a real web server."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 180.0  # seconds for a web server to answer


@contextmanager
def served(data_folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """A real web server on that data folder; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "exports.workers.web_server", "--port", str(port)]
    own = {**environment, "CWEXPORT_DATA_DIR": str(data_folder)}
    # In a file: the page of a 500 is requested on purpose, and each time logs a traceback.
    with (data_folder / f"web-{port}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log)
        try:
            _wait_for(f"http://{address}/login/", log)
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(url: str, log: TextIO) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(url, timeout=60):
                return
        except OSError as error:
            if isinstance(error, HTTPError) or time.monotonic() > deadline:
                log.seek(0)
                sys.exit(f"The sample's web server does not answer ({error}).\n{log.read()}")
            time.sleep(0.1)
