"""Builds a sample installation, serves it, prints its address; ends when its input ends."""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.error import HTTPError
from urllib.request import urlopen

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connections  # noqa: E402

from exports.access.roles import Role, set_role  # noqa: E402
from exports.demo.records import seed_batches  # noqa: E402
from exports.demo.server import StandIn  # noqa: E402
from exports.demo.store import Store  # noqa: E402
from exports.management.commands.serve import prepare  # noqa: E402
from exports.pipeline.lease import shutdown  # noqa: E402
from tests.browser.sample.simulation import simulate  # noqa: E402
from tests.browser.sample.starting import PASSWORD, ROLES, ROOT, USER  # noqa: E402

PATIENCE = 180.0  # seconds for a web server to answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--stand-in-port", type=int, default=0)
    parser.add_argument("--calm", action="store_true", help="an ordinary evening")
    options = parser.parse_args()
    prepare(sys.stderr.write)
    user = User.objects.create_superuser(USER, password=PASSWORD)
    for name, role in ROLES.items():
        set_role(User.objects.create_user(name, password=PASSWORD), Role(role) if role else None)
    connections.close_all()
    data_folder, empty_folder = Path(settings.CWEXPORT_DATA_DIR), options.folder / "empty"
    shutil.copytree(data_folder, empty_folder)
    store = Store(seed_batches(1200))
    with (
        served(empty_folder) as empty_url,
        served(data_folder) as url,
        StandIn(store, port=options.stand_in_port) as stand_in,
    ):
        keys = simulate(stand_in, user, options.days, is_calm=options.calm)
        print(json.dumps({"url": url, "empty_url": empty_url, "keys": keys}), flush=True)
        sys.stdin.read()
        # Otherwise the end would wait for the active run.
        shutdown.set()


@contextmanager
def served(data_folder: Path) -> Iterator[str]:
    """A real web server on that data folder; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "exports.workers.web_server", "--port", str(port)]
    environment = {**os.environ, "CWEXPORT_DATA_DIR": str(data_folder)}
    # In a file: the page of a 500 is requested on purpose, and each time logs a traceback.
    with (data_folder / "web.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://{address}/login/", log)
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(20)


def wait_for(url: str, log: TextIO) -> None:
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


if __name__ == "__main__":
    main()
