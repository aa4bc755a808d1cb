"""A small proxy that speaks https to the browser and plain http to the product, as nginx does."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.demo.certificates import Certificates

_OWN = {"connection", "transfer-encoding", "keep-alive", "date", "server"}


@contextmanager
def tls_proxy(port: int, behind: int, certificates: Certificates) -> Iterator[str]:
    """Listens at `port` for the product at `behind`; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(behind))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(behind: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = dict(self.headers.items())
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
            with closing(http.client.HTTPConnection("127.0.0.1", behind, timeout=300)) as asked:
                asked.request(self.command, self.path, self.rfile.read(length) or None, headers)
                answer = asked.getresponse()
                content = answer.read()
            # A browser that goes on to the next page drops what it still waits for.
            with suppress(OSError):
                self._answer(answer, content)

        def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_HEAD = _pass_on

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
