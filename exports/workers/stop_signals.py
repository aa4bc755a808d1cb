"""The signals that ask a process to end cleanly."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

# From systemd and Docker, Ctrl-C, a closed terminal or SSH session, and Ctrl-\.
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

Handler = Callable[[int, FrameType | None], object]


def on_stop_signals(handler: Handler) -> dict[signal.Signals, Any]:
    """Call `handler` for each of STOP_SIGNALS; returns what handled them before.

    SIGHUP stays ignored if it was, as under `nohup`.
    """
    previous = {signum: signal.getsignal(signum) for signum in STOP_SIGNALS}
    for signum, handled_by in previous.items():
        if signum != signal.SIGHUP or handled_by != signal.SIG_IGN:
            signal.signal(signum, handler)
    return previous


def restore_signals(previous: dict[signal.Signals, Any]) -> None:
    for signum, handled_by in previous.items():
        signal.signal(signum, handled_by)
