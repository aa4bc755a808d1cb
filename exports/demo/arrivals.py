"""What the demo sent away, as pages: the mails of its mail sink, the files on its SFTP server."""

from email.message import EmailMessage
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final

from exports.demo.mail_sink import MailSink

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }}
td, th {{ padding: .25rem 1rem .25rem 0; text-align: left; vertical-align: top }}
iframe {{ width: 100%; height: 32rem; border: 1px solid #ccc }}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""


class Arrivals:
    """A small web server on loopback: `/` lists everything, newest first.

    `login` says how a destination made by hand gets to the SFTP server.
    """

    def __init__(self, sink: MailSink, folder: Path, login: str) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink, self._server.folder, self._server.login = sink, folder, login
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> "Arrivals":
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sink: MailSink
    folder: Path
    login: str


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        kind, _, name = self.path.strip("/").partition("/")
        mails = self.server.sink.mails
        if not kind:
            self._send(_overview(mails, self.server.folder, self.server.login))
        elif kind in ("mail", "html") and name.isdecimal() and int(name[:9]) < len(mails):
            mail = mails[int(name)]
            self._send(_html_of(mail) if kind == "html" else _mail_page(mail, name))
        elif kind == "file" and name in _file_names(self.server.folder):
            self._send((self.server.folder / name).read_bytes(), "application/xml")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demo's terminal is for the demo."""

    def _send(self, content: str | bytes, kind: str = "text/html; charset=utf-8") -> None:
        body = content.encode() if isinstance(content, str) else content
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # A mail is content from outside, also here.
        self.send_header("Content-Security-Policy", "script-src 'none'; frame-src 'self'")
        self.end_headers()
        self.wfile.write(body)


def _overview(mails: list[EmailMessage], folder: Path, login: str) -> str:
    letters = "".join(
        f"<tr><td>{escape(str(mail['Date']))}</td><td>{escape(str(mail['To']))}</td>"
        f'<td><a href="/mail/{number}">{escape(str(mail["Subject"]))}</a></td></tr>'
        for number, mail in reversed(list(enumerate(mails)))
    )
    files = "".join(
        f'<tr><td><a href="/file/{escape(name)}">{escape(name)}</a></td>'
        f"<td>{(folder / name).stat().st_size:,} bytes</td></tr>"
        for name in _file_names(folder)
    )
    none = "<p>Nothing yet.</p>"
    body = (
        f"<h2>Mails</h2>{f'<table>{letters}</table>' if letters else none}"
        f"<h2>Files on the SFTP server</h2>{f'<table>{files}</table>' if files else none}"
        f"<p>A destination of your own takes: {escape(login)}.</p>"
    )
    return _PAGE.format(title="What the demo sent", body=body)


def _mail_page(mail: EmailMessage, number: str) -> str:
    text = mail.get_body(("plain",))
    body = (
        '<p><a href="/">All</a></p>'
        f"<p>From {escape(str(mail['From']))} to {escape(str(mail['To']))}<br>"
        f"{escape(str(mail['Date']))}</p>"
        f'<iframe src="/html/{number}" sandbox title="The mail as HTML"></iframe>'
        f"<h2>As text</h2><pre>{escape(text.get_content() if text else '')}</pre>"
    )
    return _PAGE.format(title=escape(str(mail["Subject"])), body=body)


def _html_of(mail: EmailMessage) -> str:
    html = mail.get_body(("html", "plain"))
    return str(html.get_content()) if html else ""


def _file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())
