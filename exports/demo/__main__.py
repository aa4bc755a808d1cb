"""`python -m exports.demo`: the stand-in ConnectWise until Ctrl-C or SIGTERM."""

import argparse
import errno
import signal
import sys
from collections.abc import Sequence
from threading import Event

from exports.demo.records import stream_batches
from exports.demo.server import StandIn
from exports.demo.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 after a clean stop, 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    store = Store(stream_batches(options.batches, with_date_entered=options.date_entered))
    try:
        stand_in = StandIn(store, port=options.port, latency=options.latency, tls=options.tls)
        stand_in.start()
    except OSError as error:
        print(_refusal(error, options.port), file=sys.stderr)
        return 2
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    print(f"The stand-in ConnectWise has {len(store)} batches at {stand_in.url}", flush=True)
    stopping.wait()
    stand_in.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m exports.demo", description=__doc__)
    parser.add_argument("--port", type=_port, default=8090, help="0 picks a free one")
    parser.add_argument("--batches", type=_whole_number, default=3000, help="how many to make up")
    parser.add_argument("--latency", type=_seconds, default=0.0, help="seconds before each answer")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="PEM files")
    parser.add_argument("--date-entered", action="store_true", help="batches have a created date")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not '{text}'")
    return int(text)


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number from 0 is needed, not '{text}'")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"seconds from 0 to 3600 are needed, not '{text}'")
    return seconds


def _refusal(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another one with --port."
    return f"The stand-in cannot start: {error}."


if __name__ == "__main__":
    sys.exit(main())
