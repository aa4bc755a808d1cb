"""What `serve` prints at its start, and the addresses it answers at."""

import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.management.installation import (
    database_url,
    free_port,
    install,
    is_listening,
    manage,
    serve_process,
    wait_until,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("serve"))


def test_start_names_folder_and_database_at_once(folder: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with serve_process(folder, log, "--port", str(port), "--workers", "1"):
        # Output must not be buffered: a container's log is read while the program runs.
        wait_until(lambda: f"The dashboard is at http://127.0.0.1:{port}/" in log.read_text())
        wait_until(lambda: "The worker waits for runs." in log.read_text())

    printed = log.read_text()
    assert f"Data folder: {folder}\n" in printed
    shown = re.sub(r"//[^/]*@", "//", database_url(folder).removeprefix("sqlite:///"))
    assert f"Database: {shown}\n" in printed
    assert "without TLS" not in printed


def test_web_server_alone_has_no_worker(folder: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with serve_process(folder, log, "--port", str(port), "--workers", "0"):
        wait_until(lambda: is_listening(port, "127.0.0.1"))
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=60)
        with refused.value as answer:
            checks = json.load(answer)["checks"]

    assert checks == {"database": "ok", "migrations": "ok", "queue": "ok", "worker": "failed"}
    assert "waits for runs" not in log.read_text()


@pytest.mark.parametrize("bind", ["::1", "[::1]", "::", "0.0.0.0"])
def test_serve_listens_on_every_kind_of_address(folder: Path, tmp_path: Path, bind: str) -> None:
    is_v4 = bind == "0.0.0.0"
    port = free_port(socket.AF_INET if is_v4 else socket.AF_INET6)
    host = "127.0.0.1" if is_v4 else "::1"
    log = tmp_path / "log"
    with serve_process(folder, log, "--bind", bind, "--port", str(port), "--workers", "1"):
        wait_until(lambda: is_listening(port, host))
        name = host if is_v4 else f"[{host}]"
        with urllib.request.urlopen(f"http://{name}:{port}/login/", timeout=60) as answer:
            assert answer.status == 200
        wait_until(lambda: "Ctrl-C ends it" in log.read_text())

    printed = log.read_text()
    assert "starting anew" not in printed
    assert ("without TLS" in printed) == (bind in ("0.0.0.0", "::"))
    address = "localhost" if bind in ("0.0.0.0", "::") else "[::1]"
    assert f"The dashboard is at http://{address}:{port}/" in printed


@pytest.mark.parametrize("bind", ["256.1.1.1", "::zz", "nowhere.invalid"])
def test_address_of_another_machine_is_refused(folder: Path, bind: str) -> None:
    done = manage("serve", "--bind", bind, "--port", str(free_port()), folder=folder)

    assert done.returncode == 1
    assert f"{bind} is no address of this machine" in done.stderr
    assert "Traceback" not in done.stderr
