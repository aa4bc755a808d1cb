"""The demo's mail sink and SFTP server, and the pages that show what arrived."""

import io
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import paramiko
import pytest

from exports.demo.arrivals import Arrivals
from exports.demo.mail_sink import MailSink
from exports.management.living_demo.sftp_server import PASSWORD, USER, SftpServer


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    with SftpServer(tmp_path / "upload", tmp_path / "host.key") as server:
        yield server


def send(sink: MailSink, text: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "Zoë <1>"
    mail.set_content(text)
    mail.add_alternative("<h1>Hello</h1>", subtype="html")
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=10) as client:
        client.send_message(mail)


def logged_in(server: SftpServer, password: str = PASSWORD) -> paramiko.SFTPClient:
    transport = paramiko.Transport(("127.0.0.1", server.port))
    transport.connect(username=USER, password=password)
    client = paramiko.SFTPClient.from_transport(transport)
    assert client is not None
    return client


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def test_mail_is_kept_as_sent(sink: MailSink) -> None:
    send(sink, ".a line with a dot\nand another\n")
    (mail,) = sink.mails
    text = mail.get_body(("plain",))
    assert mail["Subject"] == "Zoë <1>"
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == ".a line with a dot\nand another\n"


def test_file_is_written_and_renamed(sftp: SftpServer) -> None:
    client = logged_in(sftp)
    client.putfo(io.BytesIO(b"<Batches/>"), "batches.xml.part")
    client.posix_rename("batches.xml.part", "batches.xml")
    client.putfo(io.BytesIO(b"<Batches>1</Batches>"), "second.part")
    client.posix_rename("second.part", "batches.xml")

    assert client.listdir() == ["batches.xml"]
    assert client.stat("batches.xml").st_size == 20
    assert (sftp.folder / "batches.xml").read_bytes() == b"<Batches>1</Batches>"
    with pytest.raises(OSError, match="Failure"):
        client.rename("batches.xml", "batches.xml")
    client.remove("batches.xml")
    with pytest.raises(FileNotFoundError):
        client.stat("batches.xml")


def test_no_path_leaves_the_folder(sftp: SftpServer, tmp_path: Path) -> None:
    client = logged_in(sftp)
    client.putfo(io.BytesIO(b"x"), "../../outside.xml")
    assert not (tmp_path / "outside.xml").exists()
    assert (sftp.folder / "outside.xml").exists()


def test_wrong_password_is_refused_and_key_stays(sftp: SftpServer, tmp_path: Path) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        logged_in(sftp, "wrong")
    first = logged_in(sftp).get_channel()
    with SftpServer(tmp_path / "upload", tmp_path / "host.key") as again:
        second = logged_in(again).get_channel()
    assert first is not None
    assert second is not None
    keys = [one.get_transport().get_remote_server_key() for one in (first, second)]
    assert keys[0] == keys[1]


def test_pages_show_what_arrived(sink: MailSink, sftp: SftpServer) -> None:
    send(sink, "As text")
    (sftp.folder / "batches.xml").write_bytes(b"<Batches/>")
    with Arrivals(sink, sftp.folder, sftp.login) as arrivals:
        overview = page(arrivals.url)
        assert f"Port {sftp.port}, User {USER}, Password {PASSWORD}" in overview
        assert "Zoë &lt;1&gt;" in overview
        assert "/file/batches.xml" in overview
        assert "As text" in page(f"{arrivals.url}mail/0")
        assert "<h1>Hello</h1>" in page(f"{arrivals.url}html/0")
        assert page(f"{arrivals.url}file/batches.xml") == "<Batches/>"
        for unknown in ("mail/7", "mail/x", "file/../host.key", "elsewhere"):
            with pytest.raises(urllib.error.HTTPError):
                page(f"{arrivals.url}{unknown}")
