"""The benchmark's processes: each measurement and each server has its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A stand-in in another process."""

    def __init__(self, process: "subprocess.Popen[str]", batch_count: int) -> None:
        self.batch_count = batch_count
        self._process = process
        self.url: str = self._answer()["url"]

    def order(self, line: str) -> Any:
        """Send one of the commands that `server.py` knows; returns its answer."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def serving(batch_count: int, *options: str) -> Iterator[Server]:
    """A stand-in with this many batches, until the `with` block ends."""
    command = _python("server", "--batches", str(batch_count), *options)
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process, batch_count)


class Installation:
    """A data folder with a database, and fresh copies of it for each run."""

    def __init__(self, folder: Path, ca_file: Path, root: Path = ROOT) -> None:
        self._folder = folder
        self._ca_file = ca_file
        self._root = root
        self._copy_count = 0
        self._template = folder / "template"
        environment = self.environment(self._template)
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=root, env=environment, check=True)

    def of_checkout(self, root: Path) -> "Installation":
        """The same for another checkout of this product."""
        folder = self._folder / "other"
        folder.mkdir()
        return Installation(folder, self._ca_file, root)

    def environment(self, data_folder: Path, database: str = "") -> dict[str, str]:
        """With the SQLite file of the folder, unless another database is named."""
        mine = {
            "DJANGO_SETTINGS_MODULE": "cwexport.settings",
            "CWEXPORT_DATA_DIR": str(data_folder),
            "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CWEXPORT_ALLOW_HTTP": "true",
            "CWEXPORT_CA_FILE": str(self._ca_file),
        }
        others = {"SECRET_KEY", "DATABASE_URL", "CWEXPORT_ENCRYPTION_KEYS", "DEBUG"}
        kept = {name: text for name, text in os.environ.items() if name not in others}
        return kept | mine | ({"DATABASE_URL": database} if database else {})

    @contextmanager
    def copy(self) -> Iterator[Path]:
        self._copy_count += 1
        folder = self._folder / f"data-{self._copy_count}"
        shutil.copytree(self._template, folder)
        yield folder
        shutil.rmtree(folder)

    def export(self, server: Server, *options: str, width: int, page_size: int) -> dict[str, Any]:
        """The figures of `product.py`, measured in a new folder."""
        with self.copy() as folder:
            return self.export_in(folder, server, *options, width=width, page_size=page_size)

    def export_in(
        self, folder: Path, server: Server, *options: str, width: int, page_size: int
    ) -> dict[str, Any]:
        asked = ("--site", server.url, "--width", str(width), "--page-size", str(page_size))
        environment = self.environment(folder)
        return measure("product", *asked, *options, environment=environment, root=self._root)

    def export_while_probed(
        self, server: Server, *, width: int, page_size: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As `export`, with the waits of `lock_probe.py` in the same database."""
        with self.copy() as folder:
            command = _python("lock_probe", str(folder / "cwexport.sqlite3"))
            with subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as probe:
                measured = self.export_in(folder, server, width=width, page_size=page_size)
                return measured, json.loads(probe.communicate()[0])


def measure(
    module: str, *options: str, environment: dict[str, str] | None = None, root: Path = ROOT
) -> dict[str, Any]:
    """Run one module of this package to its end; returns the last JSON line it printed."""
    command = _python(module, *options)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    if "--profile" in options:
        print(done.stderr, file=sys.stderr)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _python(module: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.{module}", *options]
