"""One awkward private key through a whole installation, looked for afterwards in every spelling."""

import base64
import gzip
import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from exports.demo.account import Account
from exports.demo.faults import Status
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from tests.management.installation import (
    descendants,
    free_port,
    install,
    is_listening,
    manage,
    serve_process,
    wait_until,
)

# Characters that every encoding writes differently.
KEY = 'pK-"é&<9\\z+%/=§'
ACCOUNT = Account(private_key=KEY)
LOCAL = {"CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8", "CWEXPORT_ALLOW_HTTP": "true"}
CONFIGURATION = """\
connections:
  - {{name: Acme, site: "{site}", company: {account.company}, public_key: {account.public_key},
     private_key_env: CWEXPORT_KEY_ACME, client_id: {account.client_id}}}
tasks:
  - {{name: Nightly, connection: Acme, export: all, page_size: 100, output_file: batches.xml}}
"""
PAGES = (
    *("/", "/connections/", "/connections/1/", "/tasks/1/", "/runs/", "/runs/1/", "/runs/2/"),
    *("/runs/1/log/", "/settings/audit-log/", "/settings/audit-log/export.csv"),
    "/admin/exports/connection/1/change/",
)


def spellings(key: str) -> set[bytes]:
    login = f"{ACCOUNT.company}+{ACCOUNT.public_key}:{key}"
    texts = {
        *(key, repr(key)[1:-1], html.escape(key), quote(key, safe=""), quote(key)),
        *(json.dumps(key)[1:-1], json.dumps(key, ensure_ascii=False)[1:-1]),
        *("".join(f"&#{ord(one)};" for one in key), "".join(f"&#x{ord(one):x};" for one in key)),
        *(base64.b64encode(text.encode()).decode() for text in (key, login)),
        *(key.encode().hex(), key.encode().hex().upper(), quote(key, safe="").lower()),
    }
    return {text.encode() for text in texts} | {key.encode("utf-16-le"), key.encode("latin-1")}


@pytest.mark.rule("C3", "I4")
def test_private_key_is_found_nowhere(tmp_path: Path) -> None:
    folder, port = install(tmp_path / "data"), free_port()
    token = _prepare(folder)
    with StandIn(Store(seed_batches(30)), account=ACCOUNT) as stand_in:
        _configure(folder, tmp_path, stand_in)
        # A server that repeats, in an error, whatever it was sent.
        echoed = " ".join(sorted(one.decode("latin-1") for one in spellings(KEY)))
        body = json.dumps({"message": f"Refused: {echoed} today"}).encode()
        echo = Status(400, body)
        words = ("--port", str(port), "--workers", "1")
        with (
            serve_process(folder, tmp_path / "log", *words, **LOCAL) as serve,
            _watched(serve.pid) as processes,
        ):
            wait_until(lambda: is_listening(port))
            address = f"http://127.0.0.1:{port}"
            with stand_in.faults.on(echo):
                states = [_run_once(address, token)]
            states.append(_run_once(address, token))
            seen = _pages(address) | _answers(address, token)
            made = manage("backup", str(tmp_path / "a.backup"), "--without-keys", folder=folder)
    assert made.returncode == 0, made.stderr
    assert states == ["failed", "succeeded"]
    assert b"today" in seen["/runs/1/"]

    places = {
        **seen,
        **{str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()},
        "log": (tmp_path / "log").read_bytes(),
        "backup": gzip.decompress((tmp_path / "a.backup").read_bytes()),
        "processes": b"\n".join(processes),
    }
    assert len(processes) > 3
    found = {
        (place, spelling)
        for place, content in places.items()
        for spelling in spellings(KEY)
        if spelling in content
    }
    assert found == set()


def _prepare(folder: Path) -> str:
    """An admin, and a token of theirs."""
    words = ("--noinput", "--username", "Admin1", "--email", "a@example.com")
    manage("createsuperuser", *words, folder=folder, DJANGO_SUPERUSER_PASSWORD="correct horse")
    return manage("create_token", "Admin1", "--scope", "run", folder=folder).stdout.split()[-1]


def _configure(folder: Path, tmp_path: Path, stand_in: StandIn) -> None:
    file = tmp_path / "configuration.yaml"
    file.write_text(CONFIGURATION.format(site=stand_in.url, account=ACCOUNT))
    done = manage("load_config", str(file), folder=folder, CWEXPORT_KEY_ACME=KEY, **LOCAL)
    assert done.returncode == 0, done.stderr
    assert not [one for one in spellings(KEY) if one in (done.stdout + done.stderr).encode()]


def _run_once(address: str, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    made = requests.post(f"{address}/api/v1/tasks/1/runs", headers=headers, timeout=300)
    run = made.json()["links"]["self"]

    def status() -> str:
        return str(requests.get(run, headers=headers, timeout=300).json()["status"])

    wait_until(lambda: status() not in {"queued", "running"})
    return status()


def _pages(address: str) -> dict[str, bytes]:
    browser = requests.Session()
    page = browser.get(f"{address}/login/", timeout=300).text
    [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
    form = {"username": "Admin1", "password": "correct horse", "csrfmiddlewaretoken": token}
    browser.post(f"{address}/login/", form, timeout=300)
    answers = {path: browser.get(f"{address}{path}", timeout=300) for path in PAGES}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: answer.content for path, answer in answers.items()}


def _answers(address: str, token: str) -> dict[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    names = ("connections", "tasks", "runs", "runs/1", "runs/1/log", "runs/2/file")
    asked = {f"api {name}": f"{address}/api/v1/{name}" for name in names}
    return {
        name: requests.get(url, headers=headers, timeout=300).content for name, url in asked.items()
    }


@contextmanager
def _watched(pid: int) -> Iterator[set[bytes]]:
    """What the list of processes shows meanwhile: all command lines, and what our own inherit."""
    seen, is_over = set[bytes](), threading.Event()

    def look() -> None:
        while not is_over.wait(0.5):
            seen.update(_read(f"/proc/{one}/environ") for one in {pid, *descendants(pid)})
            seen.update(_read(str(path)) for path in Path("/proc").glob("[0-9]*/cmdline"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _read(path: str) -> bytes:
    with suppress(OSError):
        return Path(path).read_bytes()
    return b""
