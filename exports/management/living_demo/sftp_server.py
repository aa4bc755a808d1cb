"""An SFTP server on loopback with one folder, for the demo: what is delivered can be looked at."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final

import paramiko
from paramiko import SFTPAttributes, SFTPHandle
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

USER: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105 - of a server that only this machine reaches


class SftpServer:
    """Serves `folder` to USER; its host key is kept in `key_file`, so that it stays pinned."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.root, self._server.key = folder.resolve(), _host_key(key_file)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def login(self) -> str:
        """For people who make a destination of it."""
        return f"Host 127.0.0.1, Port {self.port}, User {USER}, Password {PASSWORD}"

    def __enter__(self) -> "SftpServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    root: Path
    key: paramiko.PKey

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.stopping = Event()


class _Connection(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            transport = paramiko.Transport(self.request)
            transport.add_server_key(self.server.key)
            transport.set_subsystem_handler(
                "sftp", paramiko.SFTPServer, _Folder, root=self.server.root
            )
            transport.start_server(server=_Login())
            while transport.is_active() and not self.server.stopping.wait(0.2):
                pass
            transport.close()


class _Login(paramiko.ServerInterface):  # type: ignore[misc]
    def check_auth_password(self, username: str, password: str) -> Any:
        is_known = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> Any:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Folder(paramiko.SFTPServerInterface):  # type: ignore[misc]
    """Files below the root; a path cannot leave it."""

    def __init__(self, server: Any, root: Path) -> None:
        super().__init__(server)
        self._root = root

    def canonicalize(self, path: str) -> str:
        return os.path.normpath(f"/{path}")

    def list_folder(self, path: str) -> Any:
        return self._tried(lambda: [_attributes(one) for one in sorted(self._at(path).iterdir())])

    def stat(self, path: str) -> Any:
        return self._tried(lambda: _attributes(self._at(path)))

    lstat = stat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> Any:
        return self._tried(lambda: self._opened(path, flags))

    def remove(self, path: str) -> Any:
        return self._tried(lambda: self._at(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> Any:
        if self._at(newpath).exists():
            return SFTP_FAILURE
        return self.posix_rename(oldpath, newpath)

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        return self._tried(lambda: self._at(oldpath).replace(self._at(newpath)) and None)

    def chattr(self, path: str, attr: SFTPAttributes) -> Any:
        return SFTP_OK

    def _at(self, path: str) -> Path:
        return self._root / self.canonicalize(path).lstrip("/")

    def _opened(self, path: str, flags: int) -> SFTPHandle:
        handle = SFTPHandle(flags)
        opened = os.open(self._at(path), flags | os.O_NOFOLLOW, 0o600)
        mode = "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+b"
        # Names that the library reads.
        handle.readfile = handle.writefile = os.fdopen(opened, mode)
        return handle

    @staticmethod
    def _tried(act: Callable[[], Any]) -> Any:
        """What `act` returns, SFTP_OK for nothing, the protocol's code for an error."""
        try:
            result = act()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK if result is None else result


def _attributes(path: Path) -> SFTPAttributes:
    return SFTPAttributes.from_stat(path.lstat(), path.name)


def _host_key(file: Path) -> paramiko.PKey:
    if not file.exists():
        key = paramiko.ECDSAKey.generate()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
            key.write_private_key(kept)
    return paramiko.ECDSAKey.from_private_key_file(str(file))
