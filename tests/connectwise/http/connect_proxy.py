"""A proxy on loopback that only supports CONNECT; all names lead to one given port."""

import socket
import threading
from contextlib import suppress
from typing import Self


class ConnectProxy:
    """`targets` holds the requested hosts, `heads` the whole requests.

    It always connects to `port` of loopback, as if its name server said so; with another `status`
    it refuses.
    """

    def __init__(self, port: int, *, status: int = 200) -> None:
        self.heads: list[str] = []
        self._to_port = port
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for opened in self._open:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._start(self._serve, connection)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.heads.append(head.decode())
            connection.sendall(f"HTTP/1.1 {self._status} Whatever\r\nVia: test\r\n\r\n".encode())
            if self._status != 200:
                return
            with socket.create_connection(("127.0.0.1", self._to_port)) as server:
                self._open.append(server)
                self._start(_copy, server, connection)
                _copy(connection, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while packet := source.recv(65536):
            target.sendall(packet)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
