"""A small process that ends the processes of `serve` once `serve` itself is gone.

SIGKILL, a crash or the kernel's out-of-memory killer leave `serve` no time to end its processes.
But the kernel then closes its end of a pipe, and that is what the guard waits for.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Set
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

# Within this time workers requeue their run and the web server finishes its answers (rule R3).
GRACE: Final = 8.0
_LOOK_EVERY: Final = 0.1
_IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Guard:
    """Used by `serve`: starts the guard and tells it which process groups to end."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-I", str(Path(__file__).resolve())]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and this file
            command,
            stdin=subprocess.PIPE,
            # With an inherited stdout, `serve | tee` would wait for the guard.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell(self._groups, ())

    def ensure_alive(self) -> None:
        """Start the guard again if it was ended."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell({group}, ())

    def remove(self, group: int) -> None:
        self._groups.discard(group)
        self._tell((), {group})

    def close(self) -> None:
        """End the guard, which first ends the remaining process groups."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
            process.wait()

    def _tell(self, added: Iterable[int], removed: Iterable[int]) -> None:
        if self._process is not None and self._process.stdin is not None:
            lines = [f"+{group}\n" for group in added] + [f"-{group}\n" for group in removed]
            # If the guard has died, `ensure_alive` starts a new one and sends it all groups.
            with suppress(OSError):
                self._process.stdin.write("".join(lines).encode())
                self._process.stdin.flush()


def end_groups(groups: Set[int], grace: float = GRACE) -> None:
    """Send SIGTERM to the leader of each process group, and SIGKILL to what remains of it."""
    for group in groups:
        # Only to the leader, which ends its own processes in the right order.
        with suppress(ProcessLookupError):
            os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(map(_is_alive, groups)):
        time.sleep(_LOOK_EVERY)
    for group in groups:
        kill_group(group)


def kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _groups_left_by(pipe: IO[str]) -> set[int]:
    """Read until the pipe is closed; return the groups that were added and not removed."""
    groups: set[int] = set()
    for line in pipe:
        change, group = line[0], int(line[1:])
        groups = groups | {group} if change == "+" else groups - {group}
    return groups


def main() -> None:
    # A signal to all processes of a service must not end the guard: it still has to end the others.
    for signum in _IGNORED:
        signal.signal(signum, signal.SIG_IGN)
    end_groups(_groups_left_by(sys.stdin))


if __name__ == "__main__":
    main()
