"""A real SFTP server with faults: it drops, refuses, fills up, hangs, or keeps only a part."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from tests.delivery.strikes import BEGUN, COMMITTED, HALF, WHOLE, Strike

USER, PASSWORD = "acme", "pa55-word-for-acme"


class SftpSink:
    """Serves `root` to one user; `fault` says what goes wrong with what is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # drop, refuse, full, hang, truncate; "" for nothing.
        self.fault = ""
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.login_count = 0
        self.port = 0
        self.connections: list[Any] = []
        self._loop = asyncio.new_event_loop()
        self._acceptor: Any = None
        self.strike = Strike()

    @contextmanager
    def running(self) -> Iterator["SftpSink"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self.start()
        try:
            yield self
        finally:
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    def start(self) -> None:
        """Listen, at the same port as before."""
        self._acceptor = self._run(self._listen())
        self.port = self._acceptor.get_port()

    def stop(self) -> None:
        self._run(self._end())

    async def _listen(self) -> Any:
        sink = self

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                sink.connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                sink.login_count += 1
                return (username, password) == (USER, PASSWORD)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: Any) -> bool:
                same = key.export_public_key() == sink.client_key.export_public_key()
                return username == USER and same

        return await asyncssh.create_server(
            Server,
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            sftp_factory=lambda channel: _Files(channel, self),
            allow_scp=False,
        )

    async def _end(self) -> None:
        if self.fault == "hang":
            self.fault = ""
            await asyncio.sleep(0.2)
        self._acceptor.close()
        await self._acceptor.wait_closed()
        for connection in self.connections:
            connection.abort()
        for connection in self.connections:
            await connection.wait_closed()
        self.connections.clear()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: Any, sink: SftpSink) -> None:
        self._sink = sink
        super().__init__(channel, chroot=str(sink.root).encode())

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if pflags & asyncssh.FXF_CREAT:
            self._reach(BEGUN)
        return super().open(path, pflags, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._reach(WHOLE)
        super().posix_rename(oldpath, newpath)
        self._reach(COMMITTED)

    def _reach(self, moment: str) -> None:
        if self._sink.strike.reach(moment):
            raise asyncssh.SFTPConnectionLost("the request is lost")

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        fault = self._sink.fault
        if fault == "drop":
            self.channel.get_connection().abort()
            return 0
        if fault == "refuse":
            raise asyncssh.SFTPPermissionDenied("not for you")
        if fault == "full":
            raise asyncssh.SFTPFailure("No space left on device")
        if fault == "hang":
            while self._sink.fault == "hang":
                await asyncio.sleep(0.05)
        if fault == "truncate":
            file_obj.seek(offset)
            file_obj.write(data[: len(data) // 2])
            return len(data)
        if offset:
            self._reach(HALF)
        return super().write(file_obj, offset, data)  # type: ignore[no-any-return]
