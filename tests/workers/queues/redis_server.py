"""A real redis-server of the tests, in a folder and on a port of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

from tests.demo.certificates import Certificates

_PATIENCE = 60.0


class RedisServer:
    """Keeps nothing on disk: each start is one without memory."""

    def __init__(
        self,
        folder: Path,
        password: str = "",
        certificates: Certificates | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self._program = shutil.which("redis-server")
        assert self._program, (
            "redis-server is not on the PATH, so the queue on Redis cannot be tested: "
            "apt-get install redis-server (Debian), or see https://redis.io/docs/install."
        )
        self._folder = folder
        self._password = password
        self._certificates = certificates
        self._address = address
        self.port = _free_port(address)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self._password}@" if self._password else ""
        scheme = "rediss" if self._certificates else "redis"
        return f"{scheme}://{login}{self._address}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        tls = {"ssl_ca_certs": str(self._certificates.authority)} if self._certificates else {}
        return redis.Redis.from_url(self.url, socket_timeout=_PATIENCE, **tls)

    def start(self) -> None:
        options = ["--bind", self._address, "--dir", str(self._folder)]
        options += ["--tls-port" if self._certificates else "--port", str(self.port)]
        if self._certificates:
            certificate, key = self._certificates.pair
            options += ["--port", "0", "--tls-auth-clients", "no"]
            options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
        options += ["--save", "", "--appendonly", "no", "--logfile", "redis.log"]
        if self._password:
            options += ["--requirepass", self._password]
        assert self._program
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.05)

    def is_running(self) -> bool:
        return self._process is not None

    def change_password(self, password: str) -> None:
        """While it runs; everybody has to log in again."""
        client = self.client
        client.config_set("requirepass", password)
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self._password = password

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It goes on accepting connections, and answers none."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)

    def forget(self) -> None:
        self.client.flushall()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
