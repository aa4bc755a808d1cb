"""OpenID Connect providers to log in at: a real one, and one that breaks every promise."""

import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from exports.sign_in.registration import SignOn
from tests.processes import ROOT

CLIENT_ID = "cwexport-test"
SHARED = "a shared secret that everybody can read"
ROLES = {"viewers": "viewer", "operators": "operator", "admins": "admin"}
PEOPLE = {
    "anna": {"preferred_username": "anna@example.com", "roles": ["viewers", "others"]},
    "bert": {"preferred_username": "bert@example.com", "roles": ["others"]},
    "cora": {"preferred_username": "Admin1", "email": "admin1@example.com", "roles": ["admins"]},
}


def sign_on_at(issuer: str) -> SignOn:
    """The settings of single sign-on at this provider."""
    return SignOn(
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret="a secret of the test",
        name="Example Login",
        role_claims=("roles", "groups"),
        roles=ROLES,
    )


@contextmanager
def real_provider() -> Iterator[str]:
    """`oidc-provider-mock` in a process of its own; gives its issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    people = [
        part
        for sub, claims in PEOPLE.items()
        for part in ("--user-claims", json.dumps({"sub": sub, **claims}))
    ]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    try:
        _await(f"{issuer}/.well-known/openid-configuration", process)
        yield issuer
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            requests.get(url, timeout=30).raise_for_status()
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the provider ended")


@dataclass
class StrangeProvider:
    """Signs whatever a test puts into `claims`, and answers whatever is put into `answers`."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    # By path: a status and a body in place of the right ones.
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    algorithm: str = "RS256"
    is_silent: threading.Event = field(default_factory=threading.Event)
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    signing_key: Any = None
    asked: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    def good_claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "anna",
            "iat": now,
            "exp": now + 600,
            "nonce": nonce,
            "roles": ["viewers"],
            "preferred_username": "anna@example.com",
        }

    def id_token(self, nonce: str) -> str:
        claims = {**self.good_claims(nonce), **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signing_key or self.key
        if self.algorithm == "none":
            key = ""
        headers = {"kid": "one", **self.header}
        return jwt.encode(claims, key, algorithm=self.algorithm, headers=headers)

    def body(self, path: str, nonce: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            secret = base64.urlsafe_b64encode(SHARED.encode()).decode()
            return {"keys": [{**public, "kid": "one"}, {"kty": "oct", "kid": "two", "k": secret}]}
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(nonce)}


@contextmanager
def strange_provider() -> Iterator[tuple[StrangeProvider, list[str]]]:
    """The provider, and a list whose last entry is the nonce that it is to sign."""
    provider, nonces = StrangeProvider(), [""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            provider.asked.append(path)
            while provider.is_silent.is_set():
                time.sleep(0.05)
            status, body = provider.answers.get(path) or (
                200,
                json.dumps(provider.body(path, nonces[-1])).encode(),
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            provider.forms.append(self.rfile.read(length).decode())
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider, nonces
    finally:
        server.shutdown()
        server.server_close()
