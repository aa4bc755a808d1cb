"""A mail server on loopback that takes every mail and keeps it, for the demo."""

from contextlib import suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Final

_MAX_MAILS: Final = 200
_LONGEST_LINE: Final = 10_000
_ANSWERS: Final = {
    b"EHLO": b"250 demo",
    b"HELO": b"250 demo",
    b"MAIL": b"250 OK",
    b"RCPT": b"250 OK",
    b"RSET": b"250 OK",
    b"NOOP": b"250 OK",
}


class MailSink:
    """Takes mails from anybody to anybody; keeps the newest ones in memory."""

    def __init__(self) -> None:
        self._mails: list[EmailMessage] = []
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _Dialogue)
        self._server.sink = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def mails(self) -> list[EmailMessage]:
        """Oldest first."""
        with self._lock:
            return list(self._mails)

    def take(self, content: bytes) -> None:
        mail = BytesParser(policy=policy.default).parsebytes(content)
        with self._lock:
            self._mails = [*self._mails, mail][-_MAX_MAILS:]

    def __enter__(self) -> "MailSink":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    sink: MailSink


class _Dialogue(StreamRequestHandler):
    """As much of SMTP as a mail takes (RFC 5321), without encryption or login."""

    server: _Server

    def handle(self) -> None:
        with suppress(OSError):
            self._say(b"220 demo mail sink")
            while line := self.rfile.readline(_LONGEST_LINE):
                if not self._answer(line[:4].upper()):
                    return

    def _answer(self, verb: bytes) -> bool:
        """Whether the dialogue goes on."""
        if verb == b"QUIT":
            self._say(b"221 Bye")
            return False
        if verb == b"DATA":
            self._say(b"354 End with a dot on a line of its own")
            self.server.sink.take(b"".join(iter(self._next_line, b"")))
            self._say(b"250 Kept")
        else:
            self._say(_ANSWERS.get(verb, b"502 The demo's mail sink does not know this"))
        return True

    def _next_line(self) -> bytes:
        """A line of the mail; empty after the last one."""
        line = self.rfile.readline()
        if line in (b".\r\n", b".\n"):
            return b""
        return line[1:] if line.startswith(b"..") else line

    def _say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")
