"""The stand-in ConnectWise: a real HTTP server on loopback, for the demo and for tests.

with StandIn() as stand_in:
    stand_in.faults.add(Status(503, times=2))
    requests.get(f"{stand_in.url}/login/companyinfo/demo")
"""

import gzip
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType

from exports.demo.account import Account
from exports.demo.answers import Answer, Request, standard_headers
from exports.demo.api import answer, read_request
from exports.demo.faults import ClockSkew
from exports.demo.listener import Listener
from exports.demo.records import seed_batches
from exports.demo.request_log import RequestLog
from exports.demo.store import Store
from exports.demo.switches import Faults
from exports.demo.wires import Wire, send_whole

_SMALLEST_COMPRESSED = 1000

Hook = Callable[[Request], None]


class StandIn:
    """A ConnectWise with the batches of `store` (3,000 made-up ones unless given).

    `port` 0 picks a free one, which is kept when the stand-in is stopped and started again.
    `address`: one of this machine; others than loopback may be reached by everybody.
    `latency`: seconds before every answer. `tls`: the paths of certificate and key in PEM.
    `compress`: gzip for clients that accept it; off, as it triples the time of a page.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        account: Account | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        tls: tuple[str | Path, str | Path] | None = None,
        compress: bool = False,
    ) -> None:
        self.store = Store(seed_batches()) if store is None else store
        self.account = account or Account()
        self.address = address
        self.port = port
        self.latency = latency
        self.faults = Faults()
        self.requests = RequestLog()
        self.failures: list[BaseException] = []
        self._compress = compress
        self._context = _tls_context(*tls) if tls else None
        self._hooks: list[Hook] = []
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://{self.address}:{self.port}"

    def start(self) -> "StandIn":
        """Listen and serve in the background. Raises OSError when the port is taken."""
        self._listener = Listener(
            self.address, self.port, self._respond, self._context, self.failures
        )
        self.port = self._listener.port
        self._listener.serve()
        return self

    def stop(self) -> None:
        """Close every connection; new ones are refused until it is started again."""
        if self._listener:
            self._listener.stop()
            self._listener = None

    def __enter__(self) -> "StandIn":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def on_request(self, hook: Hook) -> Hook:
        """Call `hook` with every request before it is answered, e.g. to change the store."""
        self._hooks.append(hook)
        return hook

    def now(self) -> datetime:
        """This server's clock, in UTC."""
        skew = sum(fault.seconds for fault in self.faults.of_kind(ClockSkew))
        return datetime.now(UTC) + timedelta(seconds=skew)

    def _respond(self, method: str, target: str, headers: "Message[str, str]", wire: Wire) -> None:
        request = read_request(method, target, headers, self.url)
        with self.requests.during(request):
            try:
                for hook in self._hooks:
                    hook(request)
                self._answer(request, wire)
            except OSError:
                raise
            except Exception as error:
                # A mistake in a test's hook or fault must not look like a network fault.
                self.failures.append(error)
                send_whole(wire, Answer(500), b"The stand-in itself failed; see its failures.")

    def _answer(self, request: Request, wire: Wire) -> None:
        faults = self.faults.striking(request)
        if self.latency:
            wire.wait(self.latency)
        for fault in faults:
            fault.before(wire)
            request = fault.ask(request)
        result = answer(request, self.account, self.store)
        date = format_datetime(self.now(), usegmt=True)
        result.headers = standard_headers(date) | result.headers
        for fault in faults:
            fault.change(result)
        body = b"" if request.method == "HEAD" else self._encoded(result, request)
        senders = [sender for fault in faults if (sender := fault.sender())]
        (senders or [send_whole])[-1](wire, result, body)

    def _encoded(self, result: Answer, request: Request) -> bytes:
        body = result.body()
        accepted = "gzip" in request.headers.get("Accept-Encoding", "")
        encoded = "Content-Encoding" in result.headers
        if not self._compress or encoded or not accepted or len(body) < _SMALLEST_COMPRESSED:
            return body
        result.headers["Content-Encoding"] = "gzip"
        return gzip.compress(body, compresslevel=1)


def _tls_context(certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
