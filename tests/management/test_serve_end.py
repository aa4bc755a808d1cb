"""No process outlives `serve` and `demo`, however they end."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.management.installation import (
    descendants,
    free_port,
    install,
    is_listening,
    is_running,
    serve_process,
    started,
    wait_until,
)

# Web server, worker and guard.
_PROCESS_COUNT = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("serve"))


def all_of(process: "subprocess.Popen[bytes]", port: int) -> set[int]:
    """All running processes of an installation."""
    wait_until(lambda: is_listening(port) and len(descendants(process.pid)) >= _PROCESS_COUNT)
    return descendants(process.pid)


def running(program: bytes, pids: set[int]) -> list[int]:
    """Those of the processes that execute `program`."""
    return [
        pid
        for pid in pids
        if is_running(pid) and program in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def assert_gone(pids: set[int], port: int) -> None:
    wait_until(lambda: not any(map(is_running, pids)))
    assert not is_listening(port)


@pytest.mark.parametrize(
    ("signum", "exit_code"),
    [(signal.SIGHUP, 0), (signal.SIGQUIT, 0), (signal.SIGKILL, -9)],
)
def test_nothing_outlives_serve(
    folder: Path, tmp_path: Path, signum: signal.Signals, exit_code: int
) -> None:
    port = free_port()
    with serve_process(folder, tmp_path / "log", "--port", str(port)) as serve:
        pids = all_of(serve, port)
        serve.send_signal(signum)
        assert serve.wait(60) == exit_code
        assert_gone(pids, port)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_stopped_web_server_ends_with_serve(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with serve_process(folder, tmp_path / "log", "--port", str(port)) as serve:
        pids = all_of(serve, port)
        for pid in running(b"exports.workers.web_server", pids):
            os.kill(pid, signal.SIGSTOP)
        serve.kill()
        assert_gone(pids, port)


def test_killed_guard_is_replaced(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with serve_process(folder, tmp_path / "log", "--port", str(port)) as serve:
        pids = all_of(serve, port)
        [guard] = running(b"guard.py", pids)
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: running(b"guard.py", descendants(serve.pid)) not in ([guard], []))
        pids |= descendants(serve.pid)
        serve.kill()
        assert_gone(pids, port)


def test_nohup_keeps_serve_running(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serve_process(folder, tmp_path / "log", "--port", str(port)) as serve:
            pids = all_of(serve, port)
            serve.send_signal(signal.SIGHUP)
            serve.send_signal(signal.SIGTERM)
            assert serve.wait(60) == 0
            assert_gone(pids, port)
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_nothing_outlives_killed_demo(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["demo", "--port", str(port), "--connectwise-port", str(free_port())]
    with started(*arguments, folder=tmp_path, log=tmp_path / "log") as demo:
        pids = all_of(demo, port)
        demo.kill()
        assert_gone(pids, port)


def test_closed_terminal_ends_worker_cleanly(folder: Path, tmp_path: Path) -> None:
    with started("worker", folder=folder, log=tmp_path / "log") as worker:
        wait_until(lambda: "waits for runs" in (tmp_path / "log").read_text())
        worker.send_signal(signal.SIGHUP)
        assert worker.wait(60) == 0


def test_early_interrupt_leaves_no_trace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started("serve", "--port", str(free_port()), folder=tmp_path / "var", log=log) as serve:
        wait_until(lambda: "Database: " in log.read_text())  # making it takes seconds
        serve.send_signal(signal.SIGINT)
        assert serve.wait(60) in (0, 130)
    assert "Traceback" not in log.read_text()
