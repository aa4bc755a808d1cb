"""`manage.py` as an operator starts it, with its own data folder and settings.

What `install` has made is on the kind of database that the tests run on; else it is SQLite, as long
as DATABASE_URL does not say otherwise.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.management import databases
from tests.processes import ROOT

_OURS = ("CWEXPORT_", "DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DJANGO_")
_PATIENCE = 600.0  # seconds; far more than needed, as the machine may be busy
# Of installations on PostgreSQL, by folder.
_databases: dict[str, str] = {}


def own_environment(folder: Path | str, **changes: str) -> dict[str, str]:
    """The environment of an installation in `folder`, without the tests' own variables."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    if str(folder) in _databases:
        kept["DATABASE_URL"] = _databases[str(folder)]
    return {**kept, "CWEXPORT_DATA_DIR": str(folder), **changes}


# Both are made once for each test process, as all migrations take seconds.
@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        done = manage("migrate", folder=folder)
        assert done.returncode == 0, done.stderr
        return (Path(folder) / "cwexport.sqlite3").read_bytes()


@cache
def _migrated_template() -> str:
    name = databases.make_copy()
    with TemporaryDirectory() as folder:
        done = manage("migrate", folder=folder, DATABASE_URL=databases.address_of(name))
        assert done.returncode == 0, done.stderr
    return name


def install(folder: Path) -> Path:
    """A folder with a database that has all tables, as `manage.py migrate` leaves it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if databases.are_on_postgresql():
        copy = databases.make_copy(_migrated_template())
        _databases[str(folder)] = databases.address_of(copy)
    else:
        (folder / "cwexport.sqlite3").write_bytes(_migrated_file())
    return folder


def database_url(folder: Path) -> str:
    """Of an installation that `install` has made."""
    return _databases.get(str(folder), f"sqlite:///{folder}/cwexport.sqlite3")


def manage(
    *arguments: str, folder: Path | str, cwd: Path = ROOT, **changes: str
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=cwd,
        env=own_environment(folder, **changes),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


@contextmanager
def serve_process(
    folder: Path, log: Path, *options: str, **changes: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py serve`, in its own session and with its output in `log`."""
    with started("serve", *options, folder=folder, log=log, **changes) as process:
        yield process


@contextmanager
def started(
    *arguments: str, folder: Path, log: Path, **changes: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=own_environment(folder, **changes),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def free_port(family: int = socket.AF_INET) -> int:
    with socket.socket(family) as probe:
        probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False


def descendants(pid: int) -> set[int]:
    """All processes started by `pid`, directly or indirectly."""
    found = {child for thread in _threads(pid) for child in _children(thread)}
    return found | {further for child in found for further in descendants(child)}


def is_running(pid: int) -> bool:
    """Whether the process is running, not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _threads(pid: int) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def _children(thread: Path) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in (thread / "children").read_text().split()]
    return []
