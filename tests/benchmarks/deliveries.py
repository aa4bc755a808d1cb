"""300 MB by SFTP and to S3: how long beside the plain client, and how much memory it takes.

The servers are OpenSSH (openssh-server must be installed) and moto's. Everything measured
is a process of its own: `python -m tests.benchmarks.deliveries '{"what": …}'`.
"""

import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from tests.benchmarks.table import Row

SIZE = 300_000_000
ROUNDS = 3
MAX_RATIO, MAX_GROWTH = 1.3, 30.0
_KEYS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench-secret-key"}


def rows(folder: Path) -> list[Row]:
    path = folder / "big.xml"
    with path.open("wb") as stream:
        for _ in range(SIZE // 1_000_000):
            stream.write(os.urandom(1_000_000))
    found = []
    with _ssh_server(folder) as ssh, _storage() as endpoint:
        for name, ours, plain in (
            ("SFTP", {"what": "sftp", **ssh}, lambda: _plain_sftp(ssh, path)),
            ("S3", {"what": "s3", "endpoint": endpoint}, lambda: _plain_s3(endpoint, path)),
        ):
            found += _measure(name, {**ours, "path": str(path)}, plain)
    return found


def _measure(name: str, ours: dict[str, Any], plain: Any) -> list[Row]:
    times, others, growth = [], [], 0.0
    for _ in range(ROUNDS):
        others.append(plain())
        told = json.loads(_python("-m", "tests.benchmarks.deliveries", json.dumps(ours)))
        times.append(told["seconds"])
        growth = max(growth, told["growth"])
    ratio = statistics.median(times) / statistics.median(others)
    seconds = f"{statistics.median(times):.1f} s"
    return [
        Row(
            f"300 MB delivered by {name}, beside the plain client",
            seconds,
            f"{ratio:.2f}",
            f"≤ {MAX_RATIO}",
            ratio <= MAX_RATIO,
        ),
        Row(
            f"memory that takes, by {name}",
            f"+{growth:.0f} MB",
            "",
            f"≤ +{MAX_GROWTH:.0f} MB",
            growth <= MAX_GROWTH,
        ),
    ]


@contextmanager
def _ssh_server(folder: Path) -> Iterator[dict[str, Any]]:
    for name in ("host", "client"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
        (folder / name).chmod(0o600)
    (folder / "up").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sshd").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/client.pub\nStrictModes no\nPidFile none\n"
        "Subsystem sftp internal-sftp\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    server = shutil.which("sshd") or "/usr/sbin/sshd"
    running = subprocess.Popen([server, "-D", "-f", folder / "sshd"])
    try:
        _wait_for(port)
        yield {"port": port, "folder": str(folder)}
    finally:
        running.terminate()
        running.wait()


@contextmanager
def _storage() -> Iterator[str]:
    code = (
        "from moto.server import ThreadedMotoServer as S\nimport sys\n"
        "s = S('127.0.0.1', 0, verbose=False); s.start()\n"
        "print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    try:
        endpoint = f"http://127.0.0.1:{int(running.stdout.readline())}"
        _client(endpoint).create_bucket(Bucket="bench")
        yield endpoint
    finally:
        running.terminate()
        running.wait()


def _plain_sftp(ssh: dict[str, Any], path: Path) -> float:
    begun = time.monotonic()
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    given = [part for option in options for part in ("-o", option)]
    key, port = f"{ssh['folder']}/client", str(ssh["port"])
    command = ["sftp", "-q", "-b", "-", *given, "-i", key, "-P", port, "127.0.0.1"]
    typed = f"put {path} {ssh['folder']}/up/plain\n"
    subprocess.run(command, input=typed, text=True, check=True, capture_output=True)
    return time.monotonic() - begun


def _plain_s3(endpoint: str, path: Path) -> float:
    code = (
        "import sys, time; from tests.benchmarks.deliveries import _client\n"
        f"c = _client({endpoint!r}); b = time.monotonic()\n"
        f"c.put_object(Bucket='bench', Key='plain', Body=open({str(path)!r}, 'rb'))\n"
        "print(time.monotonic() - b)"
    )
    return float(_python("-c", code))


def _client(endpoint: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **_KEYS)


def _python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout.strip().splitlines()[-1]


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _deliver(asked: dict[str, Any]) -> dict[str, float]:
    """In a process of its own: one delivery by the product's code, without a database."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ["CWEXPORT_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    django.setup()
    from exports.delivery.kind import Target
    from exports.delivery.parcel import Parcel
    from exports.delivery.registry import kind_of
    from exports.models import Delivery, Run

    class Loose(Parcel):
        def note(self, temp_name: str) -> None:
            pass

    path = Path(asked["path"])
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    run = Run(pk=1, file_path=str(path), file_size=SIZE, file_sha256=sha256)
    parcel = Loose(Delivery(pk=1, run=run, file_name="ours.xml"), _nothing, _nothing)
    target = Target("bench", *_address(asked))
    highest, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            highest[0] = max(highest[0], _resident())

    threading.Thread(target=watch, daemon=True).start()
    begun = time.monotonic()
    with kind_of(asked["what"]).open(target, _nothing, lambda: False) as session:
        session.prepare()
        # The libraries are loaded, whatever the size of the file.
        before = _resident()
        session.put(parcel)
    seconds = time.monotonic() - begun
    over.set()
    return {"seconds": seconds, "growth": max(0.0, highest[0] - before)}


def _address(asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], str]:
    if asked["what"] == "s3":
        address = {"endpoint": asked["endpoint"], "bucket": "bench", "access_key": "bench"}
        return address, {"secret_key": _KEYS["aws_secret_access_key"]}, ""
    import getpass

    folder = Path(asked["folder"])
    address = {"host": "127.0.0.1", "port": asked["port"], "user": getpass.getuser()}
    pinned = " ".join((folder / "host.pub").read_text().split()[:2])
    secrets = {"private_key": (folder / "client").read_text()}
    return {**address, "folder": f"{folder}/up"}, secrets, pinned


def _nothing() -> None:
    pass


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


if __name__ == "__main__":
    print(json.dumps(_deliver(json.loads(sys.argv[1]))))
